"""Work grows with the text and no faster: lines of Python run, counted on doubled texts."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from ondol import hangul

SMALL = 100

HOSTILE = (
    "(",
    ")",
    "()",
    "1,",
    "1.",
    "!",
    "ㄱ",
    "ㅏ",
    "가은(는)",
    "(은)",
    "a1",
    "①",
    "é",
    "\u0301",
)

CALLS: dict[str, Callable[[str], object]] = {
    "normalise": hangul.normalise,
    "compose": hangul.compose,
    "decompose": hangul.decompose,
    "choseong": hangul.choseong,
    "josa": lambda text: hangul.josa(text, "은/는"),
    "settle_josa": hangul.settle_josa,
    "read_aloud": hangul.read_aloud,
    "romanise": hangul.romanise,
    "romanise names": lambda text: hangul.romanise(text, kind="name"),
    "romanise places": lambda text: hangul.romanise(text, kind="place"),
    "transliterate": hangul.transliterate,
    "speech_levels": hangul.speech_levels,
    "check_level": hangul.check_level,
    "find_choseong": lambda text: hangul.find_choseong("ㅎㅎㄱ", text),
}


def work(call: Callable[[str], object], text: str) -> int:
    """Lines of the package that run for a text."""
    lines = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal lines
        if "hangul" not in frame.f_code.co_filename:
            return None
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call(text)
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("name", CALLS)
def test_twice_the_text_is_at_most_twice_the_work(name: str, piece: str) -> None:
    call = CALLS[name]
    call("가" + piece)
    once, twice = (work(call, "가" + piece * times) for times in (SMALL, 2 * SMALL))
    assert twice <= 2 * once + 100
