"""A tool may raise, hang, or return megabytes: the model is told, and nothing else happens."""

import threading
from dataclasses import dataclass
from typing import Any

import pytest

from ondol.tools import function_tool
from ondol.tools.running import Ran, run_function, shortened


@dataclass
class Found:
    name: str
    count: int


def run(call: Any, seconds: float = 30.0, characters: int = 100) -> tuple[Ran, str]:
    return run_function(function_tool(call), {}, seconds, characters)


def raises() -> str:
    raise KeyError("없는 열쇠")


def leaves() -> str:
    raise SystemExit(3)


def endless() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def long() -> str:
    raise ValueError("가" * 10_000_000)


async def waits() -> str:
    return "기다렸다"


def gives(value: Any) -> Any:
    def give() -> Any:
        return value

    return give


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("서울은 맑음", "서울은 맑음"),
        (None, "null"),
        ({"기온": 3.5}, '{"기온": 3.5}'),
        (Found("귤", 2), '{"name": "귤", "count": 2}'),
        ([{1, 2} and "x"], '["x"]'),
    ],
)
def test_a_result_is_text(value: Any, told: str) -> None:
    assert run(gives(value)) == (Ran.DONE, told)


def test_a_coroutine_is_run_to_its_end() -> None:
    assert run(waits) == (Ran.DONE, "기다렸다")


@pytest.mark.parametrize(
    ("call", "kind"),
    [(raises, "KeyError"), (leaves, "SystemExit"), (endless, "ValueError"), (long, "ValueError")],
)
def test_what_is_raised_is_told(call: Any, kind: str) -> None:
    ran, told = run(call)
    assert ran is Ran.RAISED and kind in told and len(told) <= 500


def test_one_that_hangs_is_abandoned() -> None:
    go, done = threading.Event(), threading.Event()

    def hangs() -> str:
        go.wait(60)
        done.set()
        return "늦음"

    ran, told = run(hangs, seconds=0.05)
    assert (ran, told) == (Ran.LATE, "오류: 0.05초 안에 끝나지 않았습니다.")
    (thread,) = (one for one in threading.enumerate() if one.name == "ondol-tool-hangs")
    assert thread.daemon
    go.set()
    assert done.wait(60)


def test_megabytes_are_cut_with_a_statement() -> None:
    ran, told = run(gives("가" * 5_000_000))
    assert ran is Ran.DONE
    assert told == "가" * 100 + "\n[5,000,000자 가운데 앞 100자만 보입니다.]"
    assert shortened("가나다", 3) == "가나다"
