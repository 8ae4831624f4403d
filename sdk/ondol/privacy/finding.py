"""Every rule over one text, and of those that overlap the surest."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from ondol.errors import OptionError
from ondol.language import say
from ondol.privacy import (
    account,
    address,
    business,
    card,
    documents,
    email,
    names,
    network,
    phone,
    plate,
    resident,
)
from ondol.privacy.folding import fold
from ondol.privacy.found import KINDS, Found, Kind, kind

Finder = Callable[[str], Iterable[Found]]

FINDERS: dict[Finder, tuple[Kind, ...]] = {
    account.find: ("account",),
    address.find: ("address",),
    business.find: ("business-number",),
    card.find: ("card",),
    documents.licences: ("driver-licence",),
    documents.passports: ("passport",),
    email.find: ("email",),
    names.find: ("name",),
    network.find: ("ip-address",),
    phone.find: ("phone",),
    plate.find: ("plate",),
    resident.find: ("foreigner-number", "resident-number"),
}
"""Our rules, by what they find; a rule reads folded text and gives places in it."""

LIKELY = 0.5
"""The confidence from which on something is found, where nobody says otherwise."""


def find(
    text: str,
    kinds: Iterable[Kind] | None = None,
    at_least: float = LIKELY,
    also: Sequence[Finder] = (),
) -> tuple[Found, ...]:
    """Personal data in a text, in its order and without overlaps, in time linear in the text.

    Args:
        text: any spelling: NFD, full-width digits, spaces or nothing visible between digits.
        kinds: which of `KINDS`; None: all.
        at_least: the least confidence, 0 to 1.
        also: more finders over the text as given, such as a model that tags names.

    Raises:
        OptionError: if the text is no `str`, or a kind or confidence cannot be meant.
    """
    wanted = _checked(text, kinds, at_least)
    found = [each for each in _ours(text, wanted) if each.confidence >= at_least]
    for finder in also:
        found += [each for each in finder(text) if _fits(each, text, wanted, at_least)]
    return _apart(found, len(text))


def _ours(text: str, wanted: frozenset[Kind]) -> Iterator[Found]:
    folded = fold(text)
    for finder, kinds in FINDERS.items():
        if wanted.isdisjoint(kinds):
            continue
        for each in finder(folded.text):
            if each.kind in wanted:
                yield Found(each.kind, *folded.span(each.start, each.end), each.confidence)


def _apart(found: list[Found], length: int) -> tuple[Found, ...]:
    """Of those that overlap the surest, then the longest, then the first; in order of place."""
    taken = bytearray(length)
    kept: list[Found] = []
    for each in sorted(found, key=lambda f: (-f.confidence, f.start - f.end, f.start)):
        if taken.find(1, each.start, each.end) < 0:
            taken[each.start : each.end] = b"\1" * (each.end - each.start)
            kept.append(each)
    return tuple(sorted(kept, key=lambda f: f.start))


def _fits(each: Found, text: str, wanted: frozenset[Kind], at_least: float) -> bool:
    inside = 0 <= each.start < each.end <= len(text)
    return inside and each.kind in wanted and each.confidence >= at_least


def _checked(text: str, kinds: Iterable[Kind] | None, at_least: float) -> frozenset[Kind]:
    if not isinstance(text, str):
        raise OptionError(
            say("Only a text can be searched.", "글만 살펴볼 수 있습니다."),
            say(f"This is {type(text).__name__}.", f"{type(text).__name__}입니다."),
            say("Decode it first.", "먼저 글로 바꾸세요."),
        )
    wanted = frozenset[Kind](kind(each) for each in (KINDS if kinds is None else kinds))
    if not 0 <= at_least <= 1:
        raise OptionError(
            say(
                f"A confidence of {at_least} cannot be meant.",
                f"확신도로 {at_least}을(를) 쓸 수 없습니다.",
            ),
            "",
            say("Choose 0 to 1.", "0에서 1 사이로 고르세요."),
        )
    return wanted
