"""Calls in a reply: found by the family's marks, checked against the tools; or enforced."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
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

Way = Calling | Literal["never"]
"""`Calling` of one reply: in the last, where the rounds are spent, "guided" becomes "never"."""

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


def calls_in(text: str, format: CallFormat, names: Collection[str] = ()) -> tuple[str, list[Found]]:
    """What a reply says besides calls, and the calls in it, at most `MOST`.

    Args:
        text: the reply.
        format: the family's, with the marks that stand in this text.
        names: tools whose calls count without marks too, as small models often write them.
    """
    whole = _unfenced(text.strip())
    if not format.opening:
        return ("", _read(whole, format)) if whole.startswith("{") else (text, [])
    if format.opening not in text:
        found = _read(whole, format) if whole.startswith("{") else []
        named = [one for one in found if one.call is not None and one.call.name in names]
        return ("", named) if named else (text, [])
    prose, *rest = text.split(format.opening)
    found = []
    for part in rest[:MOST]:
        body, _, after = part.partition(format.closing) if format.closing else (part, "", "")
        found += _read(body.strip(), format)
        prose += after
    return prose.strip(), found[:MOST]


def _unfenced(text: str) -> str:
    """A text without the fence of code that may stand around all of it."""
    found = re.fullmatch(r"```\w*\n(.*)\n```", text, re.DOTALL)
    return found[1].strip() if found else text


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

    Prose does not begin with "{": what does is a call without its marks.

    Args:
        tools: what may be called.
        format: how the family writes a call.
        way: "required" leaves nothing but a call, "never" nothing but prose.
        specials: the tokenizer's special tokens, of which marks may be some.

    Raises:
        BadGrammar: if a tool's parameters cannot be kept to.
    """

    def __init__(
        self,
        tools: Iterable[Tool],
        format: CallFormat,
        way: Way,
        specials: Mapping[str, int],
    ) -> None:
        self._way = way
        self._format = format
        self._body = Json(_schema(list(tools), format)).lark.removeprefix("start: ")
        self._specials = specials

    @property
    def lark(self) -> str:
        """The rule as llguidance's Lark."""
        opening, closing = self._format.opening, self._format.closing
        mark = self._specials.get(opening)
        literal = re.escape(opening).replace("/", "\\/").replace("\n", "n")
        marked = bool(opening) and mark is None
        prose = "PROSE: /[^{](.|\\n)*/" + (f" & ~/(.|\\n)*{literal}(.|\\n)*/" if marked else "")
        if self._way == "never":
            return f"start: PROSE\n{prose}"
        # What closes is left to the template: the reply ends with the call
        body = f"body: {self._body}"
        space = '"\\n"? ' if closing else ""
        head = f"<[{mark}]>" if mark is not None else json.dumps(opening)
        if self._way == "required":
            return f"start: {f'{head} {space}' if opening else ''}body\n{body}"
        if not opening:
            return f"start: body | PROSE\n{body}\n{prose}"
        if not marked:
            return f"start: PROSE? {head} {space}body | body | PROSE\n{body}\n{prose}"
        lead = f"lead[lazy]: /([^{{](.|\\n)*)?{literal}/"
        return f"start: lead {space}body | body | PROSE\n{body}\n{prose}\n{lead}"


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
