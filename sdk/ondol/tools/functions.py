"""Python functions as tools: a schema from type hints, a description from the docstring.

Names and descriptions may be Korean. Parameters take what `ondol.grammar.kinds` can write, and
are described by `Annotated[X, "..."]` or by lines `name: text` under `Args:` or `매개변수:`.
"""

import inspect
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

from ondol.errors import BadGrammar, BadTool
from ondol.grammar.kinds import Writer, instance
from ondol.language import say
from ondol.template import Tool, ToolCall

_SECTION = re.compile(r"^\s*(args|arguments|parameters|매개변수|인자)\s*:\s*$", re.IGNORECASE)
_PARAMETER = re.compile(r"^\s+(\w+)(?:\s*\(.*?\))?\s*:\s*(.+)$")
_NAME = re.compile(r"[\w-]{1,64}")


@dataclass(frozen=True, slots=True)
class Function:
    """A function that a model may call.

    Attributes:
        tool: what the model is told: name, description, JSON Schema of the arguments.
        call: the function itself; a coroutine function is run to its end.
        kinds: each parameter's type.
    """

    tool: Tool
    call: Callable[..., Any]
    kinds: Mapping[str, Any]

    def arguments(self, call: ToolCall) -> dict[str, Any]:
        """A call's arguments as instances of the parameters' types.

        Raises:
            ValueError: naming the argument that is missing, unknown or does not fit.
        """
        given = {unicodedata.normalize("NFC", key): one for key, one in call.arguments.items()}
        needed = self.tool.parameters["required"]
        wrong = [key for key in given if key not in self.kinds]
        wrong += [key for key in needed if key not in given]
        if wrong:
            raise ValueError(", ".join(wrong)[:200])
        return {key: instance(self.kinds[key], one, key) for key, one in given.items()}


def function_tool(function: Callable[..., Any]) -> Function:
    """A function as a tool.

    Raises:
        BadTool: if it is none, a parameter has no type or one that JSON cannot hold, or it takes
            `*args` or `**kwargs`.
    """
    if not callable(function) or inspect.isclass(function):
        raise _bad(repr(function)[:60], say("It cannot be called.", "호출할 수 없습니다."))
    name = unicodedata.normalize("NFC", getattr(function, "__name__", type(function).__name__))
    if not _NAME.fullmatch(name):
        raise _bad(name, say("Its name is no word.", "이름이 한 낱말이 아닙니다."))
    described = function if inspect.isroutine(function) else type(function).__call__
    said, told = _described(inspect.getdoc(described) or "")
    try:
        hints = get_type_hints(described, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
    except (NameError, TypeError, ValueError) as exc:
        raise _bad(name, str(exc)) from exc
    writer = Writer()
    named: dict[str, Any] = {}
    needed: list[str] = []
    for one in parameters:
        if one.kind not in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY) or one.name not in hints:
            raise _bad(
                name,
                say(
                    f"The parameter {one.name} has no type, or no name by which it is given.",
                    f"매개변수 {one.name}에 타입이 없거나 이름으로 넘길 수 없습니다.",
                ),
            )
        try:
            schema = writer.of(hints[one.name])
        except BadGrammar as exc:
            raise _bad(name, f"{one.name}: {exc.why}") from exc
        if one.name in told and "description" not in schema:
            schema |= {"description": told[one.name]}
        named[one.name] = schema
        if one.default is one.empty:
            needed.append(one.name)
    form: dict[str, Any] = {"type": "object", "properties": named, "required": needed}
    if writer.named:
        form["$defs"] = writer.named
    kinds = {one: hints[one] for one in named}
    return Function(Tool(name, said, form), function, kinds)


def by_name(tools: Sequence[Callable[..., Any] | Function]) -> dict[str, Function]:
    """Functions by the names that a model calls them by.

    Raises:
        BadTool: if there is none, one is no tool, or two have one name.
    """
    made = [one if isinstance(one, Function) else function_tool(one) for one in tools]
    found = {one.tool.name: one for one in made}
    if not made:
        raise _bad("-", say("No tool was given.", "도구가 없습니다."))
    if len(found) < len(made):
        names = [one.tool.name for one in made]
        twice = next(name for name in names if names.count(name) > 1)
        raise _bad(twice, say("Two tools have this name.", "이름이 같은 도구가 둘입니다."))
    return found


def _described(text: str) -> tuple[str, dict[str, str]]:
    """A docstring's first paragraph, and what it says of parameters."""
    lines = text.splitlines()
    at = next((i for i, line in enumerate(lines) if _SECTION.match(line)), len(lines))
    first = "\n".join(lines[:at]).strip().split("\n\n")[0]
    told: dict[str, str] = {}
    for line in lines[at + 1 :]:
        found = _PARAMETER.match(line)
        if found:
            told[found[1]] = found[2].strip()
        elif not line.strip() or not line.startswith(" "):
            break
    return " ".join(first.split()), told


def _bad(name: str, why: str) -> BadTool:
    return BadTool(
        say(f"{name} cannot be a tool.", f"{name}은(는) 도구로 쓸 수 없습니다."),
        why,
        say(
            "Pass a function whose parameters all have types such as str, int or Literal.",
            "모든 매개변수에 str, int, Literal 같은 타입이 있는 함수를 넘기세요.",
        ),
    )
