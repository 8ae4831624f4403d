"""Documents that are damaged, locked, bombs or not what they say: a named error each."""

import io
import random
import zipfile
import zlib
from contextlib import suppress

import pytest
from pypdf import PdfWriter

import document_maker as made
from hwp_maker import Para, hwp, ole
from ondol.retrieval.errors import (
    CorruptDocument,
    DocumentError,
    DocumentTooLarge,
    EmptyDocument,
    EncryptedDocument,
    UnknownFormat,
)
from ondol.retrieval.limits import ReadLimits
from ondol.retrieval.readers.formats import FORMATS, read

TEXT = "온돌은 바닥을 데운다."
BOMB = b"<a>" + b" " * 50_000_000 + b"</a>"
ENTITIES = (
    '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;&x;&x;">]><a>&y;</a>'
)


def raises(
    kind: type[DocumentError], name: str, data: bytes, limits: ReadLimits | None = None
) -> str:
    with pytest.raises(kind) as caught:
        read(io.BytesIO(data), name, limits or ReadLimits())
    assert caught.value.what and caught.value.why and caught.value.fix
    return caught.value.why


def locked_pdf(user: str, owner: str) -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(made.pdf([[TEXT]])))
    writer.encrypt(user, owner, algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_empty_file_is_named_so(suffix: str) -> None:
    with pytest.raises((EmptyDocument, CorruptDocument)):
        read(io.BytesIO(b""), f"a{suffix}")


@pytest.mark.parametrize("suffix", FORMATS)
def test_noise_is_damaged(suffix: str) -> None:
    data = b"\0" + random.Random(0).randbytes(5000)
    raises(CorruptDocument, f"a{suffix}", data)


def test_other_files_are_unknown() -> None:
    assert ".hwpx" in raises(UnknownFormat, "a.exe", b"MZ")


VALID = {
    "a.pdf": made.pdf([[TEXT]], outline={"온돌": 0}),
    "a.docx": made.word([("Heading 1", "온돌"), ("Normal", TEXT)]),
    "a.hwp": hwp([Para(TEXT)]),
    "a.hwpx": made.hwpx(made.hwpx_paragraph(TEXT)),
}


@pytest.mark.parametrize("name", VALID)
def test_cut_and_flipped_files_are_read_or_named(name: str) -> None:
    data, dice = VALID[name], random.Random(1)
    for _ in range(60):
        broken = bytearray(data[: dice.randrange(len(data))] if dice.random() < 0.3 else data)
        for _ in range(dice.randrange(12)):
            if broken:
                broken[dice.randrange(len(broken))] = dice.randrange(256)
        with suppress(DocumentError):
            read(io.BytesIO(bytes(broken)), name)


def test_passwords() -> None:
    raises(EncryptedDocument, "a.pdf", locked_pdf("secret", "secret"))
    raises(EncryptedDocument, "a.hwp", hwp([Para(TEXT)], properties=1 | 2))
    raises(EncryptedDocument, "a.hwp", hwp([Para(TEXT)], properties=1 | 4))
    raises(EncryptedDocument, "a.docx", ole({"EncryptedPackage": b"x"}))
    manifest = '<m xmlns:o="urn:o"><o:file-entry><o:encryption-data/></o:file-entry></m>'
    data = made.hwpx(made.hwpx_paragraph(TEXT), manifest=manifest)
    raises(EncryptedDocument, "a.hwpx", data)


def test_a_pdf_that_only_its_owner_locked_is_read() -> None:
    assert read(io.BytesIO(locked_pdf("", "owner")), "a.pdf").text == TEXT


def test_an_encrypted_zip_part() -> None:
    data = bytearray(VALID["a.hwpx"])
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 8] |= 1
        at = data.find(b"PK\x01\x02", at + 4)
    raises(EncryptedDocument, "a.hwpx", bytes(data))


@pytest.mark.parametrize("name", ["a.docx", "a.hwpx"])
def test_zip_bombs_are_refused_by_their_ratio(name: str) -> None:
    data = made.hwpx("", more={"bomb.xml": BOMB})
    assert "250" in raises(DocumentTooLarge, name, data)


def test_zip_files_are_refused_by_size_and_parts() -> None:
    data = made.hwpx(made.hwpx_paragraph(TEXT * 100))
    raises(DocumentTooLarge, "a.hwpx", data, ReadLimits(unpacked_bytes=1000))
    raises(DocumentTooLarge, "a.hwpx", data, ReadLimits(parts=2))


def test_a_zip_that_lies_about_a_size_is_damaged() -> None:
    data = bytearray(made.zipped({"Contents/section0.xml": BOMB[:9] + bytes(900_000)}))
    at = data.find(b"PK\x01\x02")
    data[at + 24 : at + 28] = (100).to_bytes(4, "little")
    raises(CorruptDocument, "a.hwpx", bytes(data))


def test_a_hwp_bomb_is_stopped_while_it_unpacks() -> None:
    packer = zlib.compressobj(wbits=-15)
    section = packer.compress(bytes(30_000_000)) + packer.flush()
    data = hwp([], section=section)
    assert len(data) < 100_000
    raises(DocumentTooLarge, "a.hwp", data, ReadLimits(unpacked_bytes=1_000_000))


@pytest.mark.parametrize("name", ["a.docx", "a.hwpx"])
def test_entities_are_refused(name: str) -> None:
    parts = {"[Content_Types].xml": ENTITIES, "Contents/section0.xml": ENTITIES}
    assert "DOCTYPE" in ENTITIES
    assert "document type" in raises(CorruptDocument, name, made.zipped(parts))


def test_html_entities_do_not_grow_and_depth_does_not_end_the_process() -> None:
    grown = read(io.BytesIO(f"<p>{TEXT}</p>{ENTITIES}".encode()), "a.html").text
    assert len(grown) < 500
    deep = b"<div>" * 200_000 + TEXT.encode() + b"</div>" * 200_000
    with suppress(DocumentError):
        read(io.BytesIO(deep), "a.html")


def test_a_deep_hwpx_is_damaged() -> None:
    inside = made.hwpx_paragraph(TEXT)
    for _ in range(3000):
        inside = f"<hp:p><hp:run><hp:rect>{inside}</hp:rect></hp:run></hp:p>"
    raises(CorruptDocument, "a.hwpx", made.hwpx(inside))


def test_too_much_text() -> None:
    limits = ReadLimits(characters=1000)
    raises(DocumentTooLarge, "a.txt", TEXT.encode() * 100, limits)
    raises(DocumentTooLarge, "a.pdf", made.pdf([[TEXT * 5]] * 30), limits)


def test_old_hangul_is_named() -> None:
    why = raises(CorruptDocument, "a.hwp", b"HWP Document File V3.00 \x1a\1\2\3\4\5" + bytes(200))
    assert "HWP 3" in why


def test_a_hwp_record_beyond_its_stream() -> None:
    raises(
        CorruptDocument, "a.hwp", hwp([], properties=0, section=b"\x42\0\xf0\xff\xff\xff\xff\x7f")
    )


def test_a_bzip2_zip_is_read_too() -> None:
    data = made.zipped(
        {"Contents/section0.xml": f"<s><p><run><t>{TEXT}</t></run></p></s>"},
        packing=zipfile.ZIP_BZIP2,
    )
    assert read(io.BytesIO(data), "a.hwpx").text == TEXT
