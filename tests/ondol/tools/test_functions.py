"""Functions as tools: schema from hints, words from docstrings, arguments checked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import jsonschema
import pytest

from ondol.errors import BadTool
from ondol.template import ToolCall
from ondol.tools import function_tool
from ondol.tools.functions import by_name


@dataclass
class Place:
    name: str
    floor: int = 1


def 날씨(
    도시: Annotated[str, "도시 이름"], 일: int = 0, 단위: Literal["섭씨", "화씨"] = "섭씨"
) -> str:
    """도시의 날씨를
    알려 준다.

    더 긴 설명은 모델에게 보이지 않는다.

    Args:
        일: 며칠 뒤인지
        단위 (str): 온도의 단위
    """
    return f"{도시} {일} {단위}"


def visit(place: Place, days: list[int]) -> None:
    """Go there.

    매개변수:
        place: where
        days: when
    """


async def wait() -> str:
    return "기다림"


class Lookup:
    def __call__(self, word: str) -> str:
        """Look it up."""
        return word


def test_a_function_is_described() -> None:
    tool = function_tool(날씨).tool
    assert (tool.name, tool.description) == ("날씨", "도시의 날씨를 알려 준다.")
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "도시": {"type": "string", "description": "도시 이름"},
            "일": {"type": "integer", "description": "며칠 뒤인지"},
            "단위": {"enum": ["섭씨", "화씨"], "description": "온도의 단위"},
        },
        "required": ["도시"],
    }
    jsonschema.Draft202012Validator.check_schema(tool.parameters)


def test_types_of_ones_own_are_arguments() -> None:
    made = function_tool(visit)
    assert made.tool.parameters["properties"]["place"]["description"] == "where"
    call = ToolCall("visit", {"place": {"name": "경복궁"}, "days": [1, 2]})
    assert made.arguments(call) == {"place": Place("경복궁"), "days": [1, 2]}


def test_methods_coroutines_and_objects_are_tools() -> None:
    assert function_tool(wait).tool.parameters["properties"] == {}
    assert function_tool(Lookup()).tool.name == "Lookup"
    assert function_tool(Lookup().__call__).tool.name == "__call__"


@pytest.mark.parametrize(
    "arguments",
    [{}, {"도시": 3}, {"도시": "서울", "색": "x"}, {"도시": "서울", "일": "3"}, {"도시": None}],
)
def test_arguments_that_do_not_fit_are_named(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        function_tool(날씨).arguments(ToolCall("날씨", arguments))


def untyped(word) -> None:  # type: ignore[no-untyped-def]
    ...


def starred(*words: str) -> None: ...


def keyed(**words: str) -> None: ...


def placed(word: str, /) -> None: ...


def odd(word: set[str]) -> None: ...


def unknown(word: "Nowhere") -> None:  # type: ignore[name-defined]  # noqa: F821
    ...


@pytest.mark.parametrize(
    "function", [untyped, starred, keyed, placed, odd, unknown, lambda x: x, Place, 3, "x", None]
)
def test_what_is_no_tool_is_named(function: Any) -> None:
    with pytest.raises(BadTool) as refused:
        function_tool(function)
    assert refused.value.why and refused.value.fix


def test_names_are_told_apart() -> None:
    assert list(by_name([날씨, function_tool(wait)])) == ["날씨", "wait"]
    other: Callable[..., Any] = wait
    for tools in ([wait, other], []):
        with pytest.raises(BadTool):
            by_name(tools)
