"""What happens to a text before its words are merged, as small steps that a table can hold."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from ondol.tokenizing.alphabet import Alphabet
from ondol.tokenizing.backend import metaspace_scheme
from ondol.tokenizing.characters import Categories
from ondol.tokenizing.patterns import PATTERNS, name_of

SPACE = "\u2581"
BEHAVIOURS = ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")
MOST_STEPS, MOST_PUT, MOST_GROWTH = 16, 16, 32
SCHEMES = ("always", "first", "never")


_FORMS: Mapping[str, Callable[[str], str]] = {
    "NFC": partial(unicodedata.normalize, "NFC"),
    "NFD": partial(unicodedata.normalize, "NFD"),
    "NFKC": partial(unicodedata.normalize, "NFKC"),
    "NFKD": partial(unicodedata.normalize, "NFKD"),
}


class Unmapped(Exception):
    """A `tokenizer.json` asks for something that tables do not hold; the message says what."""


@dataclass(frozen=True, slots=True)
class Normal:
    """One normaliser.

    `kind`: replace (`find` by `put`), prepend (`put`, to a text that is not empty) or unicode
    (to the form `put`).
    """

    kind: str
    find: str
    put: str


@dataclass(frozen=True, slots=True)
class Cut:
    """One pre-tokenizer.

    `kind`: pattern (`what` names it) or text (`what` itself) cut as `behaviour` says, the matches
    being the gaps where `inverted`; space (before each piece without one); metaspace (spaces as
    U+2581, one put in front: `what` is always, first or never).
    """

    kind: str
    what: str
    behaviour: str
    inverted: bool


def normals(step: Any) -> tuple[Normal, ...]:
    """The normaliser of a `tokenizer.json`.

    Raises:
        Unmapped: if it, or a part of it, is not known here.
    """
    if step is None:
        return ()
    kind = step.get("type")
    if kind == "Sequence":
        return tuple(found for one in step["normalizers"] for found in normals(one))
    if kind in _FORMS:
        return (Normal("unicode", "", kind),)
    if kind == "Prepend":
        return (Normal("prepend", "", str(step["prepend"])),)
    if kind == "Replace" and step["pattern"].get("String"):
        return (Normal("replace", str(step["pattern"]["String"]), str(step["content"])),)
    raise Unmapped(f"normalizer {kind}")


def cuts(step: Any) -> tuple[tuple[Cut, ...], bool]:
    """The pre-tokenizer of a `tokenizer.json`, and whether pieces become byte-level letters.

    Raises:
        Unmapped: if it, or a part of it, is not known here.
    """
    found: list[Cut] = []
    letters = False
    for one in _flat(step):
        if letters:
            raise Unmapped("a pre-tokenizer after ByteLevel")
        kind = one.get("type")
        if kind == "ByteLevel":
            letters = True
            if one.get("add_prefix_space", True):
                found.append(Cut("space", "", "", False))
            if one.get("use_regex", True):
                found.append(Cut("pattern", "gpt2", "Isolated", False))
        elif kind == "Digits":
            alone = "Isolated" if one.get("individual_digits") else "Contiguous"
            found.append(Cut("pattern", "number", alone, False))
        elif kind == "Metaspace":
            if one.get("replacement", SPACE) != SPACE:
                raise Unmapped("Metaspace of another letter")
            found.append(Cut("metaspace", metaspace_scheme(one), "", False))
            if one.get("split", True):
                found.append(Cut("text", SPACE, "MergedWithNext", False))
        elif kind == "Split":
            found.append(_split(one))
        else:
            raise Unmapped(f"pre-tokenizer {kind}")
    return tuple(found), letters


def _flat(step: Any) -> Iterator[Mapping[str, Any]]:
    if step is None:
        return
    if step.get("type") == "Sequence":
        for one in step["pretokenizers"]:
            yield from _flat(one)
    else:
        yield step


def _split(step: Mapping[str, Any]) -> Cut:
    pattern, behaviour, inverted = step["pattern"], str(step["behavior"]), bool(step["invert"])
    if behaviour not in BEHAVIOURS:
        raise Unmapped(f"behavior {behaviour}")
    if pattern.get("String"):
        return Cut("text", str(pattern["String"]), behaviour, inverted)
    name = name_of(str(pattern.get("Regex")))
    if name is None:
        raise Unmapped(f"pattern {pattern!r:.200}")
    return Cut("pattern", name, behaviour, inverted)


def fault(normal: Sequence[Normal], cut: Sequence[Cut]) -> str:
    """What is no step of those above, or could blow a text up; empty where all are well."""
    if max(len(normal), len(cut)) > MOST_STEPS:
        return f"{len(normal)} and {len(cut)} steps"
    for one in normal:
        if max(len(one.find), len(one.put)) > MOST_PUT:
            return f"normal: {one!r:.200}"
        known = one.kind == "prepend" or (one.kind == "unicode" and one.put in _FORMS)
        if not known and not (one.kind == "replace" and one.find):
            return f"normal: {one!r:.200}"
    for each in cut:
        sound = each.kind == "space" or (each.kind == "metaspace" and each.what in SCHEMES)
        if each.behaviour in BEHAVIOURS:
            sound = each.what in PATTERNS if each.kind == "pattern" else each.kind == "text"
            sound = sound and bool(each.what)
        if not sound:
            return f"cuts: {each!r:.200}"
    return ""


def normalised(text: str, steps: Iterable[Normal]) -> str:
    """A text after normalisers.

    Raises:
        ValueError: if it became far longer than any tokenizer needs.
    """
    most = MOST_GROWTH * (len(text) + 1)
    for step in steps:
        if len(text) > most:
            raise ValueError(f"normalisers made {len(text)} of {most // MOST_GROWTH} characters")
        if step.kind == "replace":
            text = text.replace(step.find, step.put)
        elif step.kind == "unicode":
            text = _FORMS[step.put](text)
        elif text:
            text = step.put + text
    return text


class Cutter:
    """Cuts texts into words as pre-tokenizers say.

    Args:
        steps: without a fault.
        categories: what characters are, for patterns.
    """

    def __init__(self, steps: Iterable[Cut], categories: Categories) -> None:
        self._steps = tuple(
            (step, Alphabet(PATTERNS[step.what], categories) if step.kind == "pattern" else None)
            for step in steps
        )

    def words(self, text: str, *, first: bool) -> list[str]:
        """The words of a text, none of them empty; `first` where it begins what is encoded."""
        pieces = [text]
        for step, alphabet in self._steps:
            pieces = [
                piece
                for at, whole in enumerate(pieces)
                for piece in _pieces(step, alphabet, whole, first and not at)
                if piece
            ]
        return pieces


def _pieces(step: Cut, alphabet: Alphabet | None, text: str, first: bool) -> list[str]:
    """What one pre-tokenizer makes of a piece."""
    if step.kind == "space":
        return [text if text.startswith(" ") else f" {text}"]
    if step.kind == "metaspace":
        text = text.replace(" ", SPACE)
        leads = step.what == "always" or (step.what == "first" and first)
        return [SPACE + text if leads and not text.startswith(SPACE) else text]
    spans = _places(text, step.what) if alphabet is None else alphabet.spans(text)
    return _cut(text, spans, step.behaviour, step.inverted)


def _places(text: str, what: str) -> list[tuple[int, int]]:
    found, at, size = [], text.find(what), len(what)
    while at >= 0:
        found.append((at, at + size))
        at = text.find(what, at + size)
    return found


def _cut(text: str, spans: list[tuple[int, int]], behaviour: str, inverted: bool) -> list[str]:
    """The pieces of a text around matches, as the `tokenizers` library makes them."""
    edges = sorted({0, len(text), *(edge for span in spans for edge in span)})
    if behaviour == "Isolated":
        return [text[start:end] for start, end in pairwise(edges)]
    starts = {start for start, _ in spans}
    parts = [(text[start:end], (start in starts) != inverted) for start, end in pairwise(edges)]
    if behaviour == "Removed":
        return [part for part, matched in parts if not matched]
    return _joined(parts, behaviour)


def _joined(parts: list[tuple[str, bool]], behaviour: str) -> list[str]:
    backwards = behaviour == "MergedWithNext"
    found: list[str] = []
    before: bool | None = None
    for part, matched in reversed(parts) if backwards else parts:
        if behaviour == "Contiguous":
            joins = matched == before
        else:
            joins = matched and not before and bool(found)
        if joins:
            found[-1] = part + found[-1] if backwards else found[-1] + part
        else:
            found.append(part)
        before = matched
    return found[::-1] if backwards else found
