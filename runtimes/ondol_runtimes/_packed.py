"""Graphs of a `.ondol` file: their external weights are looked for inside that file.

A graph says in which file a tensor lies and from which byte on. Inside one file the name and the
byte are others, so they are rewritten in the graph's bytes before ONNX Runtime sees them: it then
maps the tensors from where they lie, and nothing is copied. Only these entries are touched; the
rest of the protobuf (fields: onnx.proto) is passed on byte by byte.
"""

from collections.abc import Mapping

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle
from ondol.language import say
from ondol.wire import LENGTH, VARINT, Broken, fields, head, varint

DEEPEST = 64
EXTERNAL_DATA, DATA_LOCATION = 13, 14  # fields of a tensor

INSIDE: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
"""Fields of ONNX messages that lead to tensors, by the kind of message."""

Pieces = list[memoryview | bytes]


def in_one_file(bundle: Bundle, name: str) -> bytes:
    """A graph of a packed bundle whose external tensors point into the bundle's own file.

    Raises:
        CorruptBundle: if it is no graph, or names weights that the bundle does not have.
    """
    try:
        pieces = _message(memoryview(bundle.read(name)), "model", bundle, 0)
    except Broken as exc:
        raise CorruptBundle(
            say(f"{name} cannot be loaded.", f"{name}을(를) 불러올 수 없습니다."),
            f"protobuf: {exc}",
            say("Verify the bundle: ondol verify", "번들 검사: ondol verify"),
        ) from exc
    return b"".join(pieces)


def _message(data: memoryview, kind: str, bundle: Bundle, depth: int) -> Pieces:
    if depth > DEEPEST:
        raise Broken("nested too deep")
    made: Pieces = []
    for number, wire, start, body, end in fields(data):
        inner = INSIDE[kind].get(number) if wire == LENGTH else None
        if inner is None:
            made.append(data[start:end])
            continue
        part = data[body:end]
        if inner == "tensor":
            pieces = _tensor(part, bundle)
        else:
            pieces = _message(part, inner, bundle, depth + 1)
        made += [head(number, sum(map(len, pieces))), *pieces]
    return made


def _tensor(data: memoryview, bundle: Bundle) -> Pieces:
    """A tensor; with the new place of its bytes if they lie in another file."""
    entries: dict[str, str] = {}
    kept: Pieces = []
    external = False
    for number, wire, start, body, end in fields(data):
        if number == EXTERNAL_DATA and wire == LENGTH:
            entries |= [_entry(data[body:end])]
            continue
        if number == DATA_LOCATION:
            external = wire != VARINT or varint(data, body)[0] != 0
        kept.append(data[start:end])
    if not external and not entries:
        return kept
    place = bundle.place(entries.get("location", ""))
    try:
        offset, length = int(entries.get("offset", "0")), int(entries.get("length", ""))
    except ValueError as exc:
        raise Broken(f"external data {entries}") from exc
    if offset < 0 or length < 0 or offset + length > place.size:
        raise Broken(f"external data {entries} of {place.size} bytes")
    moved = {"location": place.path.name, "offset": str(place.offset + offset)}
    for key, value in {**moved, "length": str(length)}.items():
        texts = key.encode(), value.encode()
        body_bytes = b"".join(head(n, len(text)) + text for n, text in enumerate(texts, 1))
        kept += [head(EXTERNAL_DATA, len(body_bytes)), body_bytes]
    return kept


def _entry(data: memoryview) -> tuple[str, str]:
    """A StringStringEntryProto."""
    texts = {1: "", 2: ""}
    for number, wire, _, body, end in fields(data):
        if number not in texts or wire != LENGTH:
            raise Broken("an entry of external data")
        texts[number] = str(data[body:end], "utf-8", "replace")
    return texts[1], texts[2]
