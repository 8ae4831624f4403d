"""Every format gives the same: text in NFC, headings above it, pages where the file has them."""

import io
import unicodedata

import pytest

import document_maker as made
from hwp_maker import Para, hwp, note
from ondol.retrieval.document import Document
from ondol.retrieval.readers.formats import FORMATS, read

TITLE, PART = "온돌 안내", "구들장"
FIRST, SECOND = "온돌은 바닥을 데운다.", "구들장은 돌이다."
NFD = unicodedata.normalize("NFD", SECOND)
ROW = ["재료", "돌"]


def reading(name: str, data: bytes) -> Document:
    return read(io.BytesIO(data), name)


HWPX = (
    made.hwpx_paragraph(TITLE, shape=1, place=0)
    + made.hwpx_paragraph(FIRST, place=1600)
    + made.hwpx_paragraph(PART, style=3, place=0)  # above the line before: page 2
    + made.hwpx_paragraph(NFD, place=1600)
    + '<hp:p paraPrIDRef="0" styleIDRef="0"><hp:run><hp:tbl><hp:tr>'
    + "".join(f"<hp:tc><hp:subList>{made.hwpx_paragraph(c)}</hp:subList></hp:tc>" for c in ROW)
    + '</hp:tr></hp:tbl></hp:run><hp:linesegarray><hp:lineseg vertpos="3200"/></hp:linesegarray>'
    "</hp:p>"
)
FILES = {
    "a.md": f"# {TITLE}\n\n{FIRST}\n\n## {PART}\n\n{NFD}\n\n|{ROW[0]}|{ROW[1]}|\n|-|-|\n".encode(),
    "a.html": (
        f"<title>{TITLE}</title><nav>메뉴</nav><h1>{TITLE}</h1><p>{FIRST}</p><script>x()</script>"
        f"<h2>{PART}</h2><p>{NFD}</p><table><tr><td>{ROW[0]}</td><td>{ROW[1]}</td></tr></table>"
    ).encode(),
    "a.docx": made.word(
        [("Heading 1", TITLE), ("Normal", FIRST), ("Heading 2", PART), ("Normal", NFD)], [ROW]
    ),
    "a.hwp": hwp(
        [
            Para(TITLE, shape=1),
            Para(FIRST, place=1600),
            Para(PART, shape=2, place=0),
            Para(NFD, place=1600),
            [ROW],
        ]
    ),
    "a.hwpx": made.hwpx(HWPX),
}


@pytest.mark.parametrize("name", FILES)
def test_formats_with_headings_give_the_same(name: str) -> None:
    found = reading(name, FILES[name])
    assert found.title == TITLE
    assert [(block.text, block.headings) for block in found.blocks] == [
        (TITLE, (TITLE,)),
        (FIRST, (TITLE,)),
        (PART, (TITLE, PART)),
        (SECOND, (TITLE, PART)),
        (" | ".join(ROW), (TITLE, PART)),
    ]


@pytest.mark.parametrize("name", ["a.hwp", "a.hwpx"])
def test_hanguls_pages_are_where_lines_go_up_again(name: str) -> None:
    pages = [block.page for block in reading(name, FILES[name]).blocks]
    assert pages[:4] == [1, 1, 2, 2]


def test_a_hwpx_that_was_never_laid_out_has_no_pages() -> None:
    data = made.hwpx(made.hwpx_paragraph(FIRST, place=None) + made.hwpx_paragraph(SECOND))
    assert [block.page for block in reading("a.hwpx", data).blocks] == [None, None]


def test_word_says_where_it_broke_pages() -> None:
    data = made.word([("Normal", FIRST), ("break", SECOND), ("Normal", PART)])
    assert [block.page for block in reading("a.docx", data).blocks] == [1, 2, 2]


def test_a_pdf_has_pages_and_its_outline() -> None:
    lines = ["온돌은 바닥을 데우는 우리나라의 오래된", "난방 방식이다.", "구들장은 돌이다."]
    data = made.pdf([lines, [SECOND]], outline={TITLE: 0, PART: 1})
    blocks = reading("a.pdf", data).blocks
    assert [block.page for block in blocks] == [1, 1, 2]
    assert blocks[0].text == "온돌은 바닥을 데우는 우리나라의 오래된 난방 방식이다."
    assert [block.headings for block in blocks] == [(TITLE,), (TITLE,), (PART,)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_plain_text_in_the_encodings_of_korea(encoding: str) -> None:
    data = f"{FIRST}\r\n똠방각하\r\n\r\n{SECOND}".encode(encoding)
    found = [block.text for block in reading("a.txt", data).blocks]
    assert found == [f"{FIRST}\n똠방각하", SECOND]


def test_html_in_the_encoding_it_declares() -> None:
    data = f'<meta charset="euc-kr"><p>{FIRST} 똠</p>'.encode("cp949")
    assert reading("a.html", data).text == f"{FIRST} 똠"


def test_hidden_comments_of_hangul_are_no_text() -> None:
    data = hwp([note(Para(FIRST), b"tcod", "숨은 설명"), note(Para(SECOND), b"  nf", "각주의 글")])
    assert reading("a.hwp", data).text == f"{FIRST}\n{SECOND}\n각주의 글"


def test_hangul_controls_inside_a_text_are_skipped_whole() -> None:
    from hwp_maker import record, utf16

    tab = utf16("\t") + b"\x41\x00" * 6 + utf16("\t")
    text = utf16("가") + tab + utf16("나\n다\x1f라\r")
    para = record("PARA_HEADER", 0, bytes(22)) + record("PARA_TEXT", 1, text)
    assert reading("a.hwp", hwp([para])).text == "가 나\n다 라"


def test_a_long_record_has_its_size_after_its_head() -> None:
    long = "온돌 " * 3000
    assert len(reading("a.hwp", hwp([Para(long)])).text) == len(long) - 1


def test_every_ending_has_a_module() -> None:
    from importlib.util import find_spec

    assert all(find_spec(f"ondol.retrieval.readers.{module}") for module in FORMATS.values())
