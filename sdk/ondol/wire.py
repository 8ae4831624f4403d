"""Protobuf's wire format, as far as ONNX files need it: fields read where they lie, and written.

Encoding: protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterator

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
"""Wire types."""

_SIZES = {FIXED64: 8, FIXED32: 4}


class Broken(ValueError):
    """The bytes are no protobuf message."""


def fields(data: memoryview) -> Iterator[tuple[int, int, int, int, int]]:
    """Every field's number and wire type, and where it, its body and what follows begin.

    Raises:
        Broken: if the bytes are no message.
    """
    at = 0
    while at < len(data):
        key, body = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            _, end = varint(data, body)
        elif wire == LENGTH:
            size, body = varint(data, body)
            end = body + size
        elif wire in _SIZES:
            end = body + _SIZES[wire]
        else:
            raise Broken(f"wire type {wire} at byte {at}")
        if number == 0 or end > len(data):
            raise Broken(f"field {number} at byte {at}")
        yield number, wire, at, body, end
        at = end


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte, and where what follows it begins.

    Raises:
        Broken: if it does not end.
    """
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Broken("it ends within a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise Broken("a number without an end")


def head(number: int, size: int) -> bytes:
    """The bytes before a field that has a length."""
    return as_varint(number << 3 | LENGTH) + as_varint(size)


def message(number: int, body: bytes) -> bytes:
    """A field that has a length, whole."""
    return head(number, len(body)) + body


def number(field: int, value: int) -> bytes:
    """A field that is a number, not negative."""
    return as_varint(field << 3 | VARINT) + as_varint(value)


def as_varint(value: int) -> bytes:
    """A number of 7 bits a byte."""
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
