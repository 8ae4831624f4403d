"""`ondol mask`: a text without the personal data in it."""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ondol.cli.options import Json
from ondol.cli.output import note, show_json
from ondol.errors import BadText
from ondol.language import say
from ondol.privacy.found import KINDS, Found, Kind, title

STDIN = "-"


@dataclass(frozen=True, slots=True)
class MaskedText:
    """A masked text, and what was found: places count characters of the text that was given."""

    text: str
    found: tuple[Found, ...]


def mask(
    file: Annotated[
        str,
        typer.Argument(
            metavar="[FILE|-]",
            help=say("A text in UTF-8; - reads stdin.", "UTF-8 글. -이면 표준 입력을 읽습니다."),
        ),
    ] = STDIN,
    kinds: Annotated[
        str | None,
        typer.Option(
            "--kinds",
            metavar="KIND,…",
            show_default=False,
            help=say(f"Only these: {', '.join(KINDS)}.", f"이 종류만: {', '.join(KINDS)}."),
        ),
    ] = None,
    at_least: Annotated[
        float,
        typer.Option(
            "--at-least",
            metavar="0…1",
            help=say("The least confidence that is masked.", "가릴 확신도의 아래 끝."),
        ),
    ] = 0.5,
    json: Json = False,
) -> None:
    """Mask personal data in a text."""
    from ondol import privacy

    wanted: list[Kind] | None = None
    if kinds is not None:
        wanted = [privacy.kind(name.strip()) for name in kinds.split(",")]
    masked = privacy.mask(_read(file), wanted, at_least)
    if json:
        show_json(MaskedText(masked.text, masked.found))
        return
    sys.stdout.write(masked.text)
    if masked.text and not masked.text.endswith("\n"):
        print()
    sys.stdout.flush()
    note(_summary(masked.found))


def _read(file: str) -> str:
    """The text of a file or of stdin, its line ends as they are.

    Raises:
        BadText: if it cannot be read, is too long, or is not UTF-8.
    """
    from ondol.evaluation.text import MAX_BYTES, not_text, read_bytes

    if file != STDIN:
        name, data = file, read_bytes(Path(file))
    else:
        name, data = "stdin", _stdin(MAX_BYTES)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise not_text(name, f"byte {exc.start}", f"{exc.start}번째 바이트") from exc


def _stdin(most: int) -> bytes:
    pipe = getattr(sys.stdin, "buffer", None)
    if pipe is None:  # no stream of bytes, as where another program runs this one
        data = sys.stdin.read(most + 1).encode("utf-8", "surrogateescape")
    else:
        data = pipe.read(most + 1)
    if len(data) > most:
        raise BadText(
            say("The text is too long.", "글이 너무 깁니다."),
            say(f"More than {most >> 20} MiB came.", f"{most >> 20} MiB를 넘습니다."),
            say("Give it in parts.", "나누어서 주세요."),
        )
    return bytes(data)


def _summary(found: tuple[Found, ...]) -> str:
    if not found:
        return say("Nothing was found.", "찾은 개인정보가 없습니다.")
    counts = Counter(title(each.kind) for each in found)
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    return say(f"Masked: {listed}", f"가린 것: {listed}")
