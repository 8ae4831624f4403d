"""Texts to score models with: read from files with named errors, or Ondol's own."""

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from ondol.errors import BadText
from ondol.language import say
from ondol.scripts import is_letter, script_of

MAX_BYTES = 64 << 20
EVALUATION_TEXTS = ("eval_ko.txt", "eval_en.txt")
OWN = "ondol/"
"""What the names of Ondol's own texts begin with."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text in NFC, and the name, bytes and SHA-256 of the file it was read from.

    `hangul_share` is the share of Hangul among its letters, and `language` "ko" where that is
    the largest part, "en" where Latin letters are, else "other".
    """

    name: str
    text: str
    size: int
    sha256: str
    hangul_share: float
    language: str

    @classmethod
    def of(cls, name: str, data: bytes) -> "Text":
        """A text from the bytes of a file; a byte order mark is left out.

        Raises:
            BadText: if it is empty, white space only, not UTF-8, or holds NUL.
        """
        try:
            text = unicodedata.normalize("NFC", data.decode("utf-8-sig"))
        except UnicodeDecodeError as exc:
            raise not_text(name, f"byte {exc.start}", f"{exc.start}번째 바이트") from exc
        if "\0" in text:
            raise not_text(name, "NUL", "NUL 문자")
        if not text.strip():
            raise BadText(
                say(f"{name} is empty.", f"{name} 파일이 비어 있습니다."),
                say("There is nothing to measure with.", "측정에 쓸 글이 없습니다."),
                say("Give a text of a few thousand characters.", "수천 글자쯤 되는 글을 주세요."),
            )
        hangul, latin, letters = letter_counts(text)
        others = letters - hangul - latin
        language = "other"
        if max(hangul, latin) >= max(others, 1):
            language = "ko" if hangul >= latin else "en"
        digest = hashlib.sha256(data).hexdigest()
        return cls(name, text, len(data), digest, hangul / max(letters, 1), language)


def letter_counts(text: str) -> tuple[int, int, int]:
    """How many letters of a text are Hangul, how many Latin, and how many there are."""
    hangul = latin = letters = 0
    for character in filter(is_letter, text):
        letters += 1
        script = script_of(character)
        hangul += script == "hangul"
        latin += script == "latin"
    return hangul, latin, letters


def read_texts(paths: Iterable[Path]) -> tuple[Text, ...]:
    """Texts from UTF-8 files, in their order.

    Raises:
        BadText: if one cannot be read, is empty, not UTF-8, or larger than 64 MiB.
    """
    return tuple(Text.of(path.name, read_bytes(path)) for path in paths)


def evaluation_texts() -> tuple[Text, ...]:
    """Ondol's own texts for evaluation, Korean and English, which nothing is calibrated on."""
    return own_texts(files("ondol") / "texts", EVALUATION_TEXTS)


def own_texts(folder: Traversable, names: Iterable[str]) -> tuple[Text, ...]:
    """Texts that came with Ondol, from a folder of one of its packages."""
    return tuple(Text.of(f"{OWN}{name}", (folder / name).read_bytes()) for name in names)


def read_bytes(path: Path) -> bytes:
    """The bytes of a file given by the user.

    Raises:
        BadText: if it cannot be read or is larger than 64 MiB.
    """
    fix = say("Check the path.", "경로를 확인하세요.")
    try:
        if path.exists() and not path.is_file():  # open() would wait forever on a FIFO
            raise BadText(
                say(f"{path} is not a file.", f"{path}은(는) 파일이 아닙니다."),
                say("A text file is needed.", "글이 담긴 파일이어야 합니다."),
                fix,
            )
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as exc:
        raise BadText(
            say(f"Cannot read {path}.", f"{path} 파일을 읽을 수 없습니다."),
            f"{type(exc).__name__}: {exc.strerror or exc}",
            fix,
        ) from exc
    if len(data) > MAX_BYTES:
        raise BadText(
            say(f"{path.name} is too large.", f"{path.name} 파일이 너무 큽니다."),
            say(
                f"More than {MAX_BYTES >> 20} MiB were found.", f"{MAX_BYTES >> 20} MiB를 넘습니다."
            ),
            say("Give a part of it.", "일부만 잘라서 주세요."),
        )
    return data


def not_text(name: str, where: str, where_korean: str) -> BadText:
    """That a text is not UTF-8, and where it fails."""
    return BadText(
        say(f"{name} is not UTF-8 text.", f"{name}은(는) UTF-8 글이 아닙니다."),
        say(f"It fails at {where}.", f"문제가 있는 곳: {where_korean}"),
        f"iconv -f cp949 -t utf-8 {name}",
    )
