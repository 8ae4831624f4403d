"""`ondol hangul`: particles, numbers read aloud, romanisation, levels and spacing of a text."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from ondol import hangul as korean_text
from ondol.cli.options import Json
from ondol.cli.output import safe, show_json
from ondol.errors import OptionError
from ondol.language import say

ACTIONS: dict[str, Callable[[str], list[str]]] = {
    "josa": lambda text: [korean_text.settle_josa(text)],
    "read": lambda text: [korean_text.read_aloud(text)],
    "romanise": lambda text: [korean_text.romanise(text)],
    "initials": lambda text: [korean_text.choseong(text)],
    "level": lambda text: [
        f"{one.level.value}\t{one.text}" for one in korean_text.speech_levels(text)
    ],
    "space": lambda text: [korean_text.respace(text).text],
    "sentences": lambda text: [one.text for one in korean_text.sentences(text)],
}
"""What can be done, and the lines that it gives."""


@dataclass(frozen=True, slots=True)
class Written:
    """What `--json` prints: of `level` a tab stands between the level and its sentence."""

    action: str
    text: str
    lines: tuple[str, ...]


def hangul(
    action: Annotated[
        str,
        typer.Argument(
            metavar="|".join(ACTIONS),
            help=say(
                "josa settles 을(를) and its like; read says numbers in words; level names how "
                "politely each sentence speaks; space and sentences need the extra korean.",
                "josa는 을(를) 따위를 정하고, read는 수를 말로 읽고, level은 문장마다 말투를 "
                "밝힙니다. space와 sentences에는 추가 패키지 korean이 필요합니다.",
            ),
        ),
    ],
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="TEXT",
            show_default=False,
            help=say("The text; otherwise what is piped in.", "글. 없으면 파이프로 들어온 것."),
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write Korean as Korean does."""
    if action not in ACTIONS:
        raise OptionError(
            say(f"There is no action {action!r}.", f"{action!r} 작업은 없습니다."),
            "",
            say(f"Choose among {', '.join(ACTIONS)}.", f"고를 수 있는 것: {', '.join(ACTIONS)}"),
        )
    given = sys.stdin.read().removesuffix("\n") if text is None else text
    lines = ACTIONS[action](given)
    if json:
        show_json(Written(action, given, tuple(lines)))
        return
    for line in lines:
        print(safe(line))
