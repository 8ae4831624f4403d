"""How much of a document is read: what is larger is refused before it fills the memory."""

import zipfile
from dataclasses import dataclass
from typing import BinaryIO

from ondol.language import say
from ondol.retrieval.errors import CorruptDocument, DocumentTooLarge, EncryptedDocument


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Sizes in bytes of files and of what is unpacked from them; `ratio` is between the two."""

    file_bytes: int = 100_000_000
    unpacked_bytes: int = 400_000_000
    ratio: int = 250
    parts: int = 10_000
    characters: int = 30_000_000


LIMITS = ReadLimits()
SMALL = 1_000_000
"""Unpacked bytes below which no ratio is a bomb: a page of spaces packs very small."""


def too_large(found: str, most: str) -> DocumentTooLarge:
    """The error of a document that is larger than what is read."""
    return DocumentTooLarge(
        say(f"The document is too large: {found}.", f"문서가 너무 큽니다: {found}"),
        say(f"At most {most} are read.", f"{most}까지 읽습니다."),
        say("Split it into smaller files.", "작은 파일로 나누세요."),
    )


def corrupt(why: str) -> CorruptDocument:
    """The error of a document that is not what its name says, or is damaged."""
    return CorruptDocument(
        say("The document is damaged.", "문서가 손상되었습니다."),
        why,
        say("Open it in its own program and save it again.", "원래 프로그램에서 다시 저장하세요."),
    )


def encrypted(why: str) -> EncryptedDocument:
    """The error of a document that needs a password or a key."""
    return EncryptedDocument(
        say("The document is encrypted.", "암호가 걸린 문서입니다."),
        why,
        say("Save it without a password.", "암호를 풀어 저장하세요."),
    )


def megabytes(size: int) -> str:
    """A size as the errors say it."""
    return f"{size / 1e6:,.0f} MB"


def open_zip(file: BinaryIO, limits: ReadLimits) -> zipfile.ZipFile:
    """A zip file whose parts are few, small and not encrypted; the sizes are those it declares.

    Python's reader stops a part at its declared size, so that a lie does not help a bomb.

    Raises:
        CorruptDocument: if it is no zip file.
        EncryptedDocument: if a part is encrypted.
        DocumentTooLarge: if it would unpack to more than the limits allow.
    """
    try:
        packed = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise corrupt(f"zip: {exc}") from exc
    parts = packed.infolist()
    whole = sum(part.file_size for part in parts)
    size = sum(part.compress_size for part in parts)
    if len(parts) > limits.parts:
        raise too_large(say(f"{len(parts)} parts", f"부분 {len(parts)}개"), f"{limits.parts}")
    if whole > limits.unpacked_bytes:
        raise too_large(megabytes(whole), megabytes(limits.unpacked_bytes))
    if whole > SMALL and whole > limits.ratio * max(size, 1):
        raise too_large(
            say(f"it unpacks to {whole // max(size, 1)} times its size", "풀면 크기가 ")
            + say("", f"{whole // max(size, 1)}배로 커집니다"),
            say(f"{limits.ratio} times", f"{limits.ratio}배"),
        )
    if any(part.flag_bits & 1 for part in parts):
        raise encrypted(say("Parts of its zip file are.", "zip 안의 파일에 암호가 있습니다."))
    return packed


def part(packed: zipfile.ZipFile, name: str) -> bytes:
    """A part of a zip file, unpacked.

    Raises:
        CorruptDocument: if it is not there, or damaged.
    """
    import zlib

    try:
        return packed.read(name)
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as exc:
        raise corrupt(f"{name}: {exc}") from exc
