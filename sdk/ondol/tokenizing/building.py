"""A table out of the text of a BPE `tokenizer.json`, in plain Python."""

import json
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ondol.errors import CorruptBundle
from ondol.tokenizing import characters, layout
from ondol.tokenizing.backend import corrupt, spelling_of
from ondol.tokenizing.characters import CATEGORIES, Ranges
from ondol.tokenizing.layout import ADDED, MOST_TOKENS, NONE, NORMALISED, PRESENT, SPECIAL, packed
from ondol.tokenizing.steps import SPACE, Unmapped, cuts, normalised, normals
from ondol.tokenizing.table import MOST_BRIDGES, Named, Settings, Sizes, Table, sizes_of

T = TypeVar("T")
Pair = tuple[str, str]

_PER_BUCKET = 2
_NOWHERE: Ranges = ((0, "Cn"),)
_ODD = ("single_word", "lstrip", "rstrip")
_AFFIXES = ("continuing_subword_prefix", "end_of_word_suffix", "dropout")


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a file says: tokens and flags by id, merges as ids of left, right and both."""

    ids: Mapping[str, int]
    flags: bytearray
    added: Sequence[int]
    merges: Sequence[tuple[int, int, int]]
    told: Settings
    names: Mapping[int, str]


def table_bytes(source: bytes, categories: Callable[[], Ranges] = characters.ranges) -> bytes:
    """The table of a BPE `tokenizer.json`: the same source always gives the same bytes.

    Args:
        source: its text in UTF-8.
        categories: gives what characters are, for patterns; asked only where there are any.

    Raises:
        Unmapped: if it is sound and asks for something that tables do not hold.
        CorruptBundle: if it contradicts itself.
    """
    try:
        parts = _read(json.loads(source.decode("utf-8")))
    except Unmapped:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as exc:
        raise _broken(f"{type(exc).__name__}: {exc!s:.200}") from exc
    patterns = any(step.kind == "pattern" for step in parts.told.cuts)
    made = layout.write(_columns(parts, categories() if patterns else _NOWHERE), source)
    try:
        Table(memoryview(made))
    except CorruptBundle as exc:  # sound, and beyond what a table may ask of a device
        raise Unmapped(exc.why) from exc
    return made


def _read(whole: Any) -> _Parts:
    model = whole["model"]
    if model.get("type", "BPE" if "merges" in model else None) != "BPE":
        raise Unmapped(f"model {model.get('type')!r:.40}")
    odd = [name for name in _AFFIXES if model.get(name)]
    if odd:
        raise Unmapped(f"{odd[0]} {model[odd[0]]!r:.40}")
    ids: dict[str, int] = dict(model["vocab"])
    if not all(isinstance(i, int) and 0 <= i < MOST_TOKENS for i in ids.values()):
        raise _broken("an id out of range")
    own = ids.copy()
    steps = normals(whole.get("normalizer"))
    cut, letters = cuts(whole.get("pre_tokenizer"))
    added = _added(whole.get("added_tokens") or (), ids)
    if len(set(ids.values())) != len(ids):
        raise Unmapped("two tokens with one id")
    flags = bytearray(max(ids.values(), default=-1) + 1)
    for number in ids.values():
        flags[number] = PRESENT
    for content, token in added.items():
        kind = (SPECIAL if token["special"] else 0) | (NORMALISED if token["normalized"] else 0)
        flags[ids[content]] |= ADDED | kind
    pairs = _pairs(model["merges"])
    decoder = whole.get("decoder") or {}
    spelling = spelling_of(decoder.get("decoders", [decoder]))
    unknown = model.get("unk_token")
    if unknown is not None and unknown not in own:
        raise Unmapped(f"no token {unknown!r:.40}")
    plain = [content for content, token in added.items() if not token["normalized"]]
    late = {normalised(t, steps): ids[t] for t, token in added.items() if token["normalized"]}
    late.pop("", None)
    fallback, whole_words = bool(model.get("byte_fallback")), bool(model.get("ignore_merges"))
    if fallback and letters:
        raise Unmapped("byte_fallback beside ByteLevel")
    names = {number: text for text, number in ids.items()}
    firsts = sizes_of(plain)
    told = Settings(
        size=len(ids),
        byte_level=spelling.byte_level,
        byte_fallback=spelling.byte_fallback,
        strips_space=spelling.strips_space,
        letters=letters,
        fallback=fallback,
        unknown=None if unknown is None else own[unknown],
        fuse_unknown=bool(model.get("fuse_unk")),
        whole_words=whole_words,
        bridges=None if letters or whole_words else _bridges(pairs, own, unknown, fallback),
        normal=steps,
        cuts=cut,
        added=tuple(Sizes(*each) for each in firsts.items()),
        normalised=tuple(Named(text, number) for text, number in late.items()),
    )
    merges = [(own[a], own[b], own[a + b]) for a, b in pairs]
    return _Parts(ids, flags, sorted(ids[content] for content in added), merges, told, names)


def _added(
    tokens: Iterable[Mapping[str, Any]], ids: dict[str, int]
) -> dict[str, Mapping[str, Any]]:
    """Added tokens by content; those without an id get the one the library gives them."""
    following, found = len(ids), {}
    for token in tokens:
        content = str(token["content"])
        if content in found:
            raise Unmapped(f"two added tokens {content!r:.40}")
        if not token["special"] and any(token.get(name) for name in _ODD):
            raise Unmapped(f"an added token {content!r:.40} with {_ODD}")
        if content:
            following = max(following, ids.setdefault(content, following) + 1)
            found[content] = token
    return found


def _pairs(merges: Iterable[str | Sequence[str]]) -> list[Pair]:
    found: list[Pair] = []
    for line in merges:
        if isinstance(line, str) and line.startswith("#version"):
            continue
        left, right = line.split(" ") if isinstance(line, str) else line
        found.append((left, right))
    return found


def _bridges(
    merges: Iterable[Pair], ids: Mapping[str, int], unknown: str | None, fallback: bool
) -> str | None:
    """The characters behind which some merge goes on over a U+2581; None where that is no edge.

    A token for a byte or for the unknown stands for other characters than it is written with,
    so where one is merged there is no telling; nor where characters are left out.
    """
    bytes_ = {f"<0x{byte:02X}>" for byte in range(256)}
    if unknown is None and not (fallback and bytes_ <= ids.keys()):
        return None
    others = {unknown, *bytes_}
    found: set[str] = set()
    for left, right in merges:
        if left in others or right in others:
            return None
        if right.startswith(SPACE) and not left.endswith(SPACE):
            found.add(left[-1])
    sound = SPACE in ids and len(found) <= MOST_BRIDGES
    return "".join(sorted(found)) if sound else None


def _columns(parts: _Parts, categories: Ranges) -> dict[str, bytes]:
    told, count = parts.told, len(parts.flags)
    if not count:
        raise _broken("no tokens")
    texts = [parts.names.get(number, "").encode("utf-8") for number in range(count)]
    starts = array("I", [0])
    for text in texts:
        starts.append(starts[-1] + len(text))
    wanted = [
        number
        for text, number in parts.ids.items()
        if len(text) == 1 or told.whole_words or parts.flags[number] & ADDED
    ]
    find_starts, find = _bucketed(
        wanted, lambda number, buckets: layout.text_bucket(texts[number], buckets)
    )
    # Of a pair that is listed twice the library keeps the later rank
    ranked = {(left, right): (rank, new) for rank, (left, right, new) in enumerate(parts.merges)}
    merge_starts, merges = _bucketed(
        list(ranked), lambda pair, buckets: layout.pair_bucket(*pair, buckets)
    )
    spelt = (f"<0x{byte:02X}>" if told.fallback else "" for byte in range(256))
    return {
        "settings": told.to_json(),
        "texts": b"".join(texts),
        "text_starts": packed("I", starts),
        "flags": bytes(parts.flags),
        "added": packed("I", list(parts.added)),
        "bytes": packed("I", [parts.ids.get(name, NONE) if name else NONE for name in spelt]),
        "find_starts": packed("I", find_starts),
        "find_ids": packed("I", find),
        "merge_starts": packed("I", merge_starts),
        "merge_pairs": packed("Q", [left << 32 | right for left, right in merges]),
        "merge_results": packed("Q", [ranked[p][0] << 32 | ranked[p][1] for p in merges]),
        "category_starts": packed("I", [first for first, _ in categories]),
        "categories": bytes(CATEGORIES.index(name) for _, name in categories),
    }


def _bucketed(rows: list[T], bucket: Callable[[T, int], int]) -> tuple[list[int], list[T]]:
    """Rows in the order of their buckets, and where each bucket begins."""
    buckets = max(1, len(rows) // _PER_BUCKET)
    numbered = sorted((bucket(row, buckets), at) for at, row in enumerate(rows))
    starts = [0] * (buckets + 1)
    for number, _ in numbered:
        starts[number + 1] += 1
    if max(starts) > layout.MOST_IN_BUCKET:
        raise Unmapped("texts that were made to fall into one bucket")
    for at in range(buckets):
        starts[at + 1] += starts[at]
    return starts, [rows[at] for _, at in numbered]


def _broken(why: str) -> CorruptBundle:
    return corrupt("tokenizer.json", why)
