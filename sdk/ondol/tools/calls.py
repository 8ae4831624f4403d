"""Calls in a reply: found by the family's marks, checked against the tools; or enforced."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ondol.errors import InvalidData
from ondol.grammar.extraction import parsed
from ondol.grammar.rules import Grammar, Json
from ondol.reply import Reply
from ondol.template import Tool, ToolCall
from ondol.tokenizer import Tokenizer
from ondol.tools.formats import CallFormat

Calling = Literal["guided", "required", "free"]
"""Whether a reply may be prose or one call that is valid, must be such a call, or is not held."""

MOST = 16  # calls taken from one reply
_OPENING, _CLOSING = "\ufdd0", "\ufdd1"


@dataclass(frozen=True, slots=True)
class Found:
    """A place in a reply that is a call, or should be one: `wrong` says why it is none."""

    call: ToolCall | None
    wrong: str = ""


def marked(reply: Reply, tokenizer: Tokenizer, format: CallFormat) -> tuple[str, CallFormat]:
    """A reply's text, and the format with the marks that calls in it have.

    Marks that are special tokens stand in the text as characters that no text holds: such a mark
    spelt out in ordinary tokens is prose.
    """
    opening = tokenizer.special_tokens.get(format.opening)
    closing = tokenizer.special_tokens.get(format.closing)
    if opening is None and closing is None:
        return reply.text, format
    signs = {opening: _OPENING, closing: _CLOSING}
    pieces, run = [], list[int]()
    for token in reply.ids:
        if token in signs:
            pieces += [_clean(tokenizer.decode(run)), signs[token]]
            run = []
        else:
            run.append(token)
    pieces.append(_clean(tokenizer.decode(run)))
    return "".join(pieces), replace(
        format,
        opening=format.opening if opening is None else _OPENING,
        closing=format.closing if closing is None else _CLOSING,
    )


def unmarked(text: str, format: CallFormat) -> str:
    """A text with the family's own marks in it again."""
    return text.replace(_OPENING, format.opening).replace(_CLOSING, format.closing)


def _clean(text: str) -> str:
    return text.replace(_OPENING, "").replace(_CLOSING, "")


def calls_in(text: str, format: CallFormat) -> tuple[str, list[Found]]:
    """What a reply says besides calls, and the calls in it, at most `MOST`."""
    if not format.opening:
        whole = text.strip()
        return ("", _read(whole, format)) if whole.startswith("{") else (text, [])
    prose, *rest = text.split(format.opening)
    found: list[Found] = []
    for part in rest[:MOST]:
        body, _, after = part.partition(format.closing) if format.closing else (part, "", "")
        found += _read(body.strip(), format)
        prose += after
    return prose.strip(), found[:MOST]


def _read(body: str, format: CallFormat) -> list[Found]:
    try:
        data = parsed(body, {})
    except InvalidData as exc:
        return [Found(None, exc.why)]
    listed = data if format.several and isinstance(data, list) else [data]
    return [_call(one, format) for one in listed] or [Found(None, "[]")]


def _call(data: Any, format: CallFormat) -> Found:
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        return Found(None, "name?")
    arguments = data.get(format.arguments, {})
    if not isinstance(arguments, dict):
        return Found(None, f"{format.arguments}?")
    return Found(ToolCall(data["name"], arguments))


class Calls(Grammar):
    """A rule: prose without a call, or prose and one valid call, or only such a call.

    Args:
        tools: what may be called.
        format: how the family writes a call.
        calling: "required" leaves no way but a call.
        specials: the tokenizer's special tokens, of which marks may be some.

    Raises:
        BadGrammar: if a tool's parameters cannot be kept to.
    """

    def __init__(
        self,
        tools: Iterable[Tool],
        format: CallFormat,
        calling: Calling,
        specials: Mapping[str, int],
    ) -> None:
        self._required = calling == "required"
        self._format = format
        self._body = Json(_schema(list(tools), format)).lark.removeprefix("start: ")
        self._specials = specials

    @property
    def lark(self) -> str:
        """The rule as llguidance's Lark."""
        opening, closing = self._format.opening, self._format.closing
        body = rf"body: {self._body}"
        if not opening:
            prose = "" if self._required else " | PROSE"
            return f"start: body{prose}\n{body}\nPROSE: /[^{{](.|\\n)*/"
        # What closes is left to the template: the reply ends with the call
        space = '"\\n"? ' if closing else ""
        mark = self._specials.get(opening)
        if self._required:
            head = f"<[{mark}]>" if mark is not None else json.dumps(opening)
            return f"start: {head} {space}body\n{body}"
        if mark is not None:
            return f"start: PROSE | PROSE? <[{mark}]> {space}body\n{body}\nPROSE: /(.|\\n)+/"
        literal = re.escape(opening).replace("/", "\\/").replace("\n", "n")
        return (
            f"start: head {space}body | PROSE\n{body}\n"
            f"head[lazy]: /(.|\\n)*{literal}/\n"
            f"PROSE: /(.|\\n)+/ & ~/(.|\\n)*{literal}(.|\\n)*/"
        )


def _schema(tools: list[Tool], format: CallFormat) -> dict[str, Any]:
    """The JSON Schema of what stands between the marks."""
    named: dict[str, Any] = {}
    options: list[dict[str, Any]] = []
    for number, tool in enumerate(tools):
        form = dict(tool.parameters)
        for name, one in form.pop("$defs", {}).items():
            named[f"{number}.{name}"] = _moved(one, number)
        parts = {"name": {"const": tool.name}, format.arguments: _moved(form, number)}
        option = {"type": "object", "properties": parts, "required": list(parts)}
        options.append(option | {"additionalProperties": False})
    each: dict[str, Any] = {"anyOf": options}
    if format.several:
        each = {"type": "array", "items": each, "minItems": 1, "maxItems": MOST}
    return each | {"$defs": named}


def _moved(schema: Any, number: int) -> Any:
    """A tool's schema with its references led to where its definitions are now."""
    if isinstance(schema, list):
        return [_moved(one, number) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: one.replace("#/$defs/", f"#/$defs/{number}.")
        if key == "$ref" and isinstance(one, str)
        else _moved(one, number)
        for key, one in schema.items()
    }
