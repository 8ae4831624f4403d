"""SentencePiece's table of what characters become, as the `tokenizers` library reads it.

The format: the size of a trie in bytes, the trie, then results as texts that end in a zero byte.
The trie is a double array of darts-clone (https://github.com/s-yata/darts-clone): the children
of a node lie at its offset, each at the place of the byte that leads to it, by exclusive or.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

LEAF = 1 << 8  # a node's word: has a result
VALUE = 1 << 31  # a result's word: the rest is where it begins
NEAR = 1 << 21  # offsets reach this far in one word

MOST_TRIES = 128  # places tried that are taken, before they are given up as full


@dataclass(slots=True)
class _Node:
    children: "dict[int, _Node]" = field(default_factory=dict)
    value: int | None = None


def charsmap(rules: Mapping[str, str]) -> bytes:
    """The table of what each text becomes; texts that are not there stay as they are.

    Raises:
        ValueError: if a text is empty or holds a zero character, with which results end.
    """
    root, results = _Node(), bytearray()
    places: dict[str, int] = {}
    for text, becomes in sorted(rules.items()):
        if not text or "\0" in text + becomes:
            raise ValueError(f"no rule can be made of {text!r}")
        if becomes not in places:
            places[becomes] = len(results)
            results += becomes.encode() + b"\0"
        node = root
        for byte in text.encode():
            node = node.children.setdefault(byte, _Node())
        node.value = places[becomes]
    words = _double_array(root)
    trie = struct.pack(f"<{len(words)}I", *words)
    return struct.pack("<I", len(trie)) + trie + bytes(results)


def _double_array(root: _Node) -> list[int]:
    """The words of the trie; the first is the root's."""
    words: dict[int, int] = {0: 0}
    bases: set[int] = {0}
    waiting = [(0, 0, root)]
    start = 1
    while waiting:
        place, label, node = waiting.pop()
        labels = sorted(node.children)
        if node.value is not None:
            labels.insert(0, 0)
        base = start
        # No two nodes share an offset, else the children of one would be taken for the other's
        while base in bases or any(base ^ label in words for label in labels):
            base += 1
        if base > start + MOST_TRIES:
            start = base - MOST_TRIES // 2
        bases.add(base)
        words[place] = label | _offset(place ^ base) | (LEAF if node.value is not None else 0)
        for byte in labels:
            words[base ^ byte] = byte
            if byte:
                waiting.append((base ^ byte, byte, node.children[byte]))
        if node.value is not None:
            words[base] = VALUE | node.value
    # A search reads the place of any byte that follows, so the last block is whole
    size = (max(max(words), max(bases)) | 0xFF) + 1
    return [words.get(at, 0) for at in range(size)]


def _offset(distance: int) -> int:
    if distance < NEAR:
        return distance << 10
    raise ValueError(f"a trie of more than {NEAR} words")
