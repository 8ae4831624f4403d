"""Whether every weight of a circle file lies inside it: onert maps it, and reads what it is told.

Places of fields are those of res/CircleSchema in https://github.com/Samsung/ONE, version 0.10.
"""

import math
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

from ondol_runtimes.one.trial import refused

SUBGRAPHS, BUFFERS = 2, 4  # fields of a model
TENSORS = 0  # of a subgraph
SHAPE, TYPE, BUFFER = 0, 1, 2  # of a tensor
DATA = 0  # of a buffer
BYTES = {0: (1, 4), 2: (1, 4), 3: (1, 1), -2: (32, 18), -4: (32, 34)}
"""Of float32, int32, uint8, GGML's Q4_0 and Q8_0: elements of a block, and its bytes."""


def check_layout(path: Path) -> None:
    """Refuse a circle file whose tables or weights reach beyond its end.

    Raises:
        CorruptBundle: saying which weight does, or that the tables do not hold.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
            fault = _fault(_Tables(raw))
    except (struct.error, ValueError) as exc:
        fault = f"the tables do not hold ({exc})"
    if fault:
        raise refused(path.name, fault)


def _fault(tables: "_Tables") -> str:
    model = tables.at(0)
    lengths = [tables.bytes(each) for each in tables.tables(model, BUFFERS)]
    if -1 in lengths:
        return f"weight {lengths.index(-1)} ends behind the file"
    for graph in tables.tables(model, SUBGRAPHS):
        for number, tensor in enumerate(tables.tables(graph, TENSORS)):
            buffer = tables.number(tensor, BUFFER, "<I")
            if not buffer:
                continue
            kind = tables.number(tensor, TYPE, "<b")
            if buffer >= len(lengths) or kind not in BYTES:
                return f"tensor {number} has weight {buffer} of type {kind}"
            elements, size = BYTES[kind]
            if math.prod(tables.sizes(tensor)) * size != lengths[buffer] * elements:
                return f"tensor {number} is of another size than its weight"
    return ""


class _Tables:
    """A flatbuffer's tables by their places; what lies outside is a `struct.error`."""

    def __init__(self, raw: mmap.mmap) -> None:
        self._raw = raw

    def at(self, place: int) -> int:
        """Where a reference leads."""
        return place + self._get("<I", place)

    def tables(self, table: int, field: int) -> Iterator[int]:
        """The tables of a vector of them; none where the field is not there."""
        place = self._field(table, field)
        if place:
            vector = self.at(place)
            for n in range(self._get("<I", vector)):
                yield self.at(vector + 4 + 4 * n)

    def bytes(self, buffer: int) -> int:
        """How many bytes a buffer has; -1 where they end behind the file."""
        place = self._field(buffer, DATA)
        if not place:
            return 0
        vector = self.at(place)
        length = self._get("<I", vector)
        return length if vector + 4 + length <= len(self._raw) else -1

    def sizes(self, tensor: int) -> tuple[int, ...]:
        """A tensor's shape."""
        place = self._field(tensor, SHAPE)
        if not place:
            return ()
        vector = self.at(place)
        rank = self._get("<I", vector)
        if rank > 8:
            raise ValueError(f"{rank} axes")
        return struct.unpack_from(f"<{rank}i", self._raw, vector + 4)

    def number(self, table: int, field: int, form: str) -> int:
        """A field that is a number; 0 where it is not there."""
        place = self._field(table, field)
        return self._get(form, place) if place else 0

    def _field(self, table: int, field: int) -> int:
        """Where a field of a table lies; 0 where it is not there."""
        names = table - self._get("<i", table)
        if 4 + 2 * field >= self._get("<H", names):
            return 0
        offset = self._get("<H", names + 4 + 2 * field)
        return table + offset if offset else 0

    def _get(self, form: str, place: int) -> int:
        if place < 0:  # would be counted from the end
            raise ValueError(f"place {place}")
        found: int = struct.unpack_from(form, self._raw, place)[0]
        return found
