"""Verifying Ed25519 in plain Python (RFC 8032), so that a device needs no more packages.

Nothing here is secret, so nothing has to take the same time. Signing is `cryptography`'s.
"""

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # a square root of -1

Point = tuple[int, int, int, int]
"""X, Y, Z and T with x = X/Z, y = Y/Z, xy = T/Z."""

IDENTITY: Point = (0, 1, 1, 0)


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature (64 bytes) of a message is by the owner of a public key (32 bytes).

    As RFC 8032, section 5.1.7, without the cofactor: the stricter of its two equations.
    """
    point = _point(key)
    s = int.from_bytes(signature[32:], "little")
    if point is None or len(signature) != 64 or s >= ORDER:
        return False
    hashed = hashlib.sha512(signature[:32] + key + message).digest()
    h = int.from_bytes(hashed, "little") % ORDER
    x, y, z, t = point
    difference = _add(_times(s, _BASE), _times(h, (P - x, y, z, P - t)))
    return _bytes(difference) == signature[:32]


def usable(key: bytes) -> bool:
    """Whether a key is a point that only its owner can sign for, not one of the eight weak ones."""
    point = _point(key)
    return point is not None and _bytes(_times(8, point)) != _bytes(IDENTITY)


def _point(raw: bytes) -> Point | None:
    """A point from its 32 bytes; None where they are none (RFC 8032, section 5.1.3)."""
    if len(raw) != 32:
        return None
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def _add(first: Point, second: Point) -> Point:
    """The sum of two points (RFC 8032, section 5.1.4)."""
    x1, y1, z1, t1 = first
    x2, y2, z2, t2 = second
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(number: int, point: Point) -> Point:
    made = IDENTITY
    while number:
        if number & 1:
            made = _add(made, point)
        point = _add(point, point)
        number >>= 1
    return made


def _bytes(point: Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _base() -> Point:
    made = _point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    if made is None:
        raise ArithmeticError("the base point")
    return made


_BASE = _base()
