"""Plain-Python Ed25519 beside RFC 8032's vectors and OpenSSL's own verdicts."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ondol.signing import ed25519

VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
"""RFC 8032, section 7.1, tests 1 to 3: public key, message, signature."""

IDENTITY = (1).to_bytes(32, "little")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


def openssl(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_standards_own_vectors(key: str, message: str, signature: str) -> None:
    parts = bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature)
    assert ed25519.verify(*parts) and openssl(*parts) and ed25519.usable(parts[0])
    assert not ed25519.verify(parts[0], parts[1] + b"x", parts[2])


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 511), st.integers(0, 255))
def test_any_flipped_bit_is_refused_as_openssl_refuses_it(
    message: bytes, bit: int, key_bit: int
) -> None:
    signature = KEY.sign(message)
    assert ed25519.verify(PUBLIC, message, signature)
    changed = (int.from_bytes(signature, "little") ^ 1 << bit).to_bytes(64, "little")
    other = (int.from_bytes(PUBLIC, "little") ^ 1 << key_bit).to_bytes(32, "little")
    for key, signed in ((PUBLIC, changed), (other, signature)):
        assert not ed25519.verify(key, message, signed)
        assert not openssl(key, message, signed)


def test_a_second_signature_from_the_first_is_refused() -> None:
    """S + L satisfies the same equation; RFC 8032 forbids it."""
    signature = KEY.sign(b"m")
    s = int.from_bytes(signature[32:], "little") + ed25519.ORDER
    assert not ed25519.verify(PUBLIC, b"m", signature[:32] + s.to_bytes(32, "little"))


@pytest.mark.parametrize("size", [0, 31, 33, 63, 65])
def test_other_lengths_are_refused(size: int) -> None:
    assert not ed25519.verify(bytes(size), b"m", KEY.sign(b"m"))
    assert not ed25519.verify(PUBLIC, b"m", bytes(size))


@pytest.mark.parametrize(
    "key",
    [
        IDENTITY,  # anything "is signed" by it
        bytes(32),  # of order 4
        (ed25519.P - 1).to_bytes(32, "little"),  # of order 2
        (ed25519.P).to_bytes(32, "little"),  # zero, written another way
        (1 | 1 << 255).to_bytes(32, "little"),  # minus zero
        (2).to_bytes(32, "little"),  # no point of the curve
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),  # 8
    ],
    ids=bytes.hex,
)
def test_weak_and_impossible_keys_are_no_keys(key: bytes) -> None:
    assert not ed25519.usable(key)
