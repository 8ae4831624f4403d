"""Values of a GGUF header, read one after another through a window of bytes.

Every count is held against the bytes that are left before anything is allocated.
"""

import struct
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from gguf import GGUFValueType

from ondol.errors import CorruptSource
from ondol_converters.sources.parts import PartedFile, broken

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.generic]

Value: TypeAlias = "bool | int | float | str | list[str] | Numbers | list[Value]"

WINDOW_BYTES = 1 << 18

# No known model comes near these; they bound what a lying header can cost.
MAX_STRING_BYTES = 1 << 26
MAX_ELEMENTS = 1 << 23
MAX_DEPTH = 3
NESTED_COST = 1 << 10

SCALARS = {
    int(GGUFValueType.UINT8): "<u1",
    int(GGUFValueType.INT8): "<i1",
    int(GGUFValueType.UINT16): "<u2",
    int(GGUFValueType.INT16): "<i2",
    int(GGUFValueType.UINT32): "<u4",
    int(GGUFValueType.INT32): "<i4",
    int(GGUFValueType.FLOAT32): "<f4",
    int(GGUFValueType.BOOL): "?",
    int(GGUFValueType.UINT64): "<u8",
    int(GGUFValueType.INT64): "<i8",
    int(GGUFValueType.FLOAT64): "<f8",
}
STRING = int(GGUFValueType.STRING)
ARRAY = int(GGUFValueType.ARRAY)

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


class Cursor:
    """A position in a file that moves forward as values are read from it.

    Every method raises `CorruptSource` when the file ends or a count cannot be true.
    """

    def __init__(self, file: PartedFile) -> None:
        self._file = file
        self.size = file.size
        self._window = b""
        self._start = 0
        self._at = 0
        self._elements = MAX_ELEMENTS

    @property
    def position(self) -> int:
        """The next byte's position in the file."""
        return self._start + self._at

    @property
    def left(self) -> int:
        """Bytes from here to the end of the file."""
        return self.size - self.position

    def broken(self, why_en: str, why_ko: str) -> CorruptSource:
        """The error that says why this file does not hold."""
        return broken(self._file.name, why_en, why_ko)

    def _need(self, size: int) -> int:
        """Position in the window of the next `size` bytes, which are consumed."""
        if size > self.left:
            raise self.broken(
                f"Its header ends early: {size} bytes were to follow and {self.left} do.",
                f"헤더가 끊겼습니다. {size}바이트가 더 필요한데 {self.left}바이트뿐입니다.",
            )
        if self._at + size > len(self._window):
            self._start += self._at
            self._at = 0
            length = min(max(size, WINDOW_BYTES), self.size - self._start)
            self._window = self._file.read(self._start, length)
        self._at += size
        return self._at - size

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        at = self._need(size)
        return self._window[at : at + size]

    def u32(self) -> int:
        """An unsigned number of 32 bits."""
        at = self._need(4)
        value: int = _U32.unpack_from(self._window, at)[0]
        return value

    def u64(self) -> int:
        """An unsigned number of 64 bits."""
        at = self._need(8)
        value: int = _U64.unpack_from(self._window, at)[0]
        return value

    def limit(self, what_en: str, what_ko: str, value: int, limit: int) -> int:
        """`value`, which a file claims, if it is at most `limit`."""
        if value > limit:
            raise self.broken(
                f"It claims {value} {what_en}; at most {limit} can be.",
                f"{what_ko} 수가 {value}(이)라고 하지만 많아야 {limit}입니다.",
            )
        return value

    def string(self, limit: int = MAX_STRING_BYTES) -> str:
        """A text of at most `limit` bytes."""
        size = self.limit("bytes of text", "문자열 바이트", self.u64(), limit)
        return self._text(self.take(size))

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as exc:
            raise self.broken(
                f"A text in its header is not UTF-8: {raw[:40]!r}.",
                f"헤더의 문자열이 UTF-8이 아닙니다: {raw[:40]!r}",
            ) from exc

    def _strings(self, count: int) -> list[str]:
        """Many strings at once: the loop that a vocabulary of 262,144 tokens goes through."""
        found: list[str] = []
        for _ in range(count):
            at, window = self._at, self._window
            end = at + 8
            if end <= len(window):
                end += _U64.unpack_from(window, at)[0]
                if end <= len(window):
                    self._at = end
                    found.append(self._text(window[at + 8 : end]))
                    continue
            found.append(self.string())
        return found

    def value(self, kind: int) -> Value:
        """A value of a `GGUFValueType`: a scalar, text, list of texts, or numpy array."""
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            return self._array(1)
        scalar = self._numbers(kind, 1)[0].item()
        if not isinstance(scalar, (bool, int, float)):
            raise self.broken(f"A value is {scalar!r}.", f"알 수 없는 값이 있습니다: {scalar!r}")
        return scalar

    def _numbers(self, kind: int, count: int) -> "Numbers":
        form = SCALARS.get(kind)
        if form is None:
            raise self.broken(
                f"A value is of kind {kind}, which GGUF does not have.",
                f"GGUF에 없는 값 종류({kind})가 있습니다.",
            )
        size = count * np.dtype(form).itemsize
        at = self._need(size)
        # A copy, so that the window can go.
        return np.frombuffer(self._window, form, count, at).copy() if count else np.empty(0, form)

    def _array(self, depth: int) -> Value:
        kind = self.u32()
        smallest = 12 if kind == ARRAY else 8 if kind == STRING else 1
        cost = NESTED_COST if kind == ARRAY else 1
        if kind == ARRAY:
            self.limit("levels of arrays", "중첩 배열의 깊이", depth + 1, MAX_DEPTH)
        left = min(self.left // smallest, self._elements // cost)
        count = self.limit("elements of an array", "배열 원소", self.u64(), left)
        self._elements -= count * cost
        if kind == STRING:
            return self._strings(count)
        if kind == ARRAY:
            return [self._array(depth + 1) for _ in range(count)]
        return self._numbers(kind, count)
