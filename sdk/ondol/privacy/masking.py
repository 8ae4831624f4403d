"""Personal data taken out of a text, and put back by whoever holds the key."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from ondol.privacy.finding import LIKELY, Finder, find
from ondol.privacy.found import TITLES, Found, Kind, title

_TOKEN = re.compile(
    rf"\[(?:{'|'.join(re.escape(name) for names in TITLES.values() for name in names)})"
    r" ?[0-9]{1,9}\]"
)


class Key:
    """What undoes a mask: held by the caller alone, in memory.

    It shows nothing of what it holds, and is neither copied by pickle nor written to JSON.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def restore(self, text: str) -> str:
        """A text with every token of this key replaced by what it stood for.

        The text may be another than was masked, such as a model's answer to it.
        """
        return _TOKEN.sub(lambda match: self._values.get(match[0], match[0]), text)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Key to {len(self)} values>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key to personal data is not pickled")


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without the personal data that was found in it.

    `found` are places in the text as it was given. `key` puts the data back.
    """

    text: str
    found: tuple[Found, ...]
    key: Key = field(repr=False, compare=False)


def mask(
    text: str,
    kinds: Iterable[Kind] | None = None,
    at_least: float = LIKELY,
    also: Sequence[Finder] = (),
) -> Masked:
    """Replace personal data by tokens such as [전화번호 1]; the same data by the same token.

    Args:
        text: any text.
        kinds: which of `KINDS`; None: all.
        at_least: the least confidence, 0 to 1.
        also: more finders, as of `find`.

    Raises:
        OptionError: as of `find`.
    """
    found = find(text, kinds, at_least, also)
    taken = set(_TOKEN.findall(text))  # a text that already has tokens keeps them as they are
    tokens: dict[tuple[Kind, str], str] = {}
    counts: dict[Kind, int] = {}
    pieces, at = [], 0
    for each in found:
        value = text[each.start : each.end]
        if (each.kind, value) not in tokens:
            tokens[each.kind, value] = _token(each.kind, counts, taken)
        pieces += [text[at : each.start], tokens[each.kind, value]]
        at = each.end
    values = {token: value for (_, value), token in tokens.items()}
    return Masked("".join([*pieces, text[at:]]), found, Key(values))


def _token(kind: Kind, counts: dict[Kind, int], taken: set[str]) -> str:
    while True:
        counts[kind] = counts.get(kind, 0) + 1
        token = f"[{title(kind)} {counts[kind]}]"
        if token not in taken:
            return token
