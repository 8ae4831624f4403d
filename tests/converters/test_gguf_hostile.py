"""Files that lie: each is a `CorruptSource`, soon and without much memory."""

import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gguf_maker import (
    ARCHITECTURE,
    ARRAY,
    STRING,
    U32,
    U64,
    array,
    gguf_bytes,
    key,
    tensor,
    text,
    write_tiny,
)
from ondol.errors import CorruptSource, SourceError
from ondol_converters.sources import open_source
from ondol_converters.sources.gguf import GgufSource

HUGE = 1 << 60
HUGE_BYTES = HUGE.to_bytes(8, "little")
MEMORY_BYTES = 4 << 20


def of_alignment(value: bytes, kind: int = U32) -> bytes:
    return gguf_bytes([ARCHITECTURE, key("general.alignment", kind, value)])


def of_tensors(*tensors: bytes, data: int = 64) -> bytes:
    return gguf_bytes(None, list(tensors), bytes(data))


def of_key(kind: int, payload: bytes) -> bytes:
    return gguf_bytes([ARCHITECTURE, key("x", kind, payload)])


def nested(depth: int) -> bytes:
    payload = array(U32, 0)
    for _ in range(depth - 1):
        payload = array(ARRAY, 1, payload)
    return payload


LIES = {
    "empty file": (b"", "begins with b''"),
    "magic": (gguf_bytes(magic=b"GGML"), "begins with b'GGML'"),
    "another format": (b"PK\x03\x04" + bytes(100), r"begins with b'PK\\x03\\x04'"),
    "version 1": (gguf_bytes(version=1), "GGUF version 1"),
    "version 4": (gguf_bytes(version=4), "GGUF version 4"),
    "big-endian": (gguf_bytes(version=3 << 24), "big-endian"),
    "only a magic": (b"GGUF", "ends early"),
    "2^60 tensors": (gguf_bytes(tensor_count=HUGE), "tensors"),
    "2^60 keys": (gguf_bytes(key_count=HUGE), "keys"),
    "a key too many": (gguf_bytes(key_count=2), "has no name"),
    "a tensor too many": (gguf_bytes(tensor_count=1, alignment=256), "has no name"),
    "2^60 bytes of key": (gguf_bytes([HUGE_BYTES + bytes(20)]), "bytes of text"),
    "2^60 bytes of text": (of_key(STRING, HUGE_BYTES), "bytes of text"),
    "2^60 numbers": (of_key(ARRAY, array(U64, HUGE)), "elements"),
    "2^60 texts": (of_key(ARRAY, array(STRING, HUGE)), "elements"),
    "2^60 arrays": (of_key(ARRAY, array(ARRAY, HUGE)), "elements"),
    "2^60 bytes in a list": (of_key(ARRAY, array(STRING, 1, HUGE_BYTES)), "bytes of text"),
    "more numbers than bytes": (
        of_key(
            ARRAY,
            array(U64, 4),
        ),
        "ends early",
    ),
    "arrays too deep": (of_key(ARRAY, nested(4)), "levels of arrays"),
    "arrays far too deep": (of_key(ARRAY, nested(5000)), "levels of arrays"),
    "unknown kind of value": (of_key(13, bytes(8)), "kind 13"),
    "unknown kind in an array": (of_key(ARRAY, array(99, 2, bytes(8))), "kind 99"),
    "a key twice": (gguf_bytes([ARCHITECTURE, ARCHITECTURE]), "comes twice"),
    "a key not in UTF-8": (gguf_bytes([key(b"\xff\xfe", U32, bytes(4))]), "not UTF-8"),
    "a text not in UTF-8": (of_key(STRING, text(b"\xea\xb0")), "not UTF-8"),
    "a tensor twice": (of_tensors(tensor("a"), tensor("a", offset=32)), "'a' comes twice"),
    "a tensor not in UTF-8": (of_tensors(tensor(b"\xff")), "not UTF-8"),
    "unknown kind of tensor": (of_tensors(tensor("a", kind=200)), "kind 200"),
    "no dimensions": (of_tensors(tensor("a", ())), "cannot have the shape"),
    "no columns": (of_tensors(tensor("a", (0, 4))), "cannot have the shape"),
    "five dimensions": (of_tensors(tensor("a", (1, 1, 1, 1, 1))), "5 dimensions"),
    "half a block": (of_tensors(tensor("a", (48, 1), 8)), "cannot have the shape"),
    "rows past the end": (of_tensors(tensor("a", (4, 5))), "outside the file"),
    "an offset past the end": (of_tensors(tensor("a", offset=96)), "outside the file"),
    "an offset of 2^60": (of_tensors(tensor("a", offset=HUGE)), "outside the file"),
    "dimensions that overflow": (of_tensors(tensor("a", (1 << 32, 1 << 32, 16))), "outside"),
    "2^60 columns": (of_tensors(tensor("a", (HUGE,))), "outside the file"),
    "an odd offset": (of_tensors(tensor("a", offset=4)), "not a multiple of 32"),
    "two in one place": (of_tensors(tensor("a"), tensor("b")), "overlaps"),
    "one into the next": (of_tensors(tensor("a", (12,)), tensor("b", (4,), 0, 32)), "overlaps 'a'"),
    "alignment 0": (of_alignment(bytes(4)), "power of two"),
    "alignment 24": (of_alignment((24).to_bytes(4, "little")), "power of two"),
    "alignment as text": (of_alignment(text("32"), STRING), "power of two"),
    "no architecture": (gguf_bytes([]), "general.architecture"),
    "architecture a number": (
        gguf_bytes([key("general.architecture", U32, bytes(4))]),
        "general.architecture",
    ),
    "a size as text": (
        gguf_bytes([ARCHITECTURE, key("llama.block_count", STRING, text("9"))]),
        "llama.block_count cannot be '9'",
    ),
    "an epsilon that is no number": (
        gguf_bytes([ARCHITECTURE, key("llama.rope.freq_base", 6, b"\x00\x00\xc0\x7f")]),
        "llama.rope.freq_base cannot be nan",
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_lies_are_named(tmp_path: Path, name: str) -> None:
    data, match = LIES[name]
    path = tmp_path / "bad.gguf"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(CorruptSource, match=match) as caught:
            open_source(path)
        assert tracemalloc.get_traced_memory()[1] < MEMORY_BYTES
    finally:
        tracemalloc.stop()
    assert "bad.gguf" in caught.value.what
    assert caught.value.why
    assert "SHA-256" in caught.value.fix


def test_errors_are_korean_where_the_locale_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_LANG", "ko")
    path = tmp_path / "bad.gguf"
    path.write_bytes(gguf_bytes(key_count=HUGE))
    with pytest.raises(CorruptSource, match="손상되었습니다") as caught:
        open_source(path)
    assert "키" in caught.value.why
    assert "내려받아" in caught.value.fix


def test_a_sparse_file_of_empty_texts_is_bounded(tmp_path: Path) -> None:
    """Room for 2^30 empty texts, and a header that claims them."""
    path = tmp_path / "sparse.gguf"
    path.write_bytes(of_key(ARRAY, array(STRING, 1 << 30)))
    os.truncate(path, 9 << 30)
    with pytest.raises(CorruptSource, match="elements of an array"):
        open_source(path)


def test_every_truncation_of_the_header_is_named(tmp_path: Path) -> None:
    whole = tmp_path / "tiny.gguf"
    write_tiny(whole)
    data = whole.read_bytes()
    path = tmp_path / "cut.gguf"
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(CorruptSource):
            GgufSource(path)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Cannot read"):
        open_source(tmp_path / "absent.gguf")


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fuzz") / "tiny.gguf"
    write_tiny(path)
    return path


def consume(path: Path) -> None:
    """Everything a converter would ask of a source."""
    with open_source(path) as source:
        for name in source.tensors:
            source.read(name)
        source.tokenizer()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_flipped_bytes_raise_nothing_else(valid: Path, data: st.DataObject) -> None:
    raw = bytearray(valid.read_bytes())
    # Mostly in the header, where the lies are.
    places = st.integers(0, len(raw) - 1) | st.integers(0, 900)
    for at in data.draw(st.lists(places, min_size=1, max_size=4)):
        raw[at] = data.draw(st.sampled_from((0, 1, 0x7F, 0x80, 0xFF)) | st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(0, len(raw)))
    path = valid.with_name("flipped.gguf")
    path.write_bytes(raw[:cut])
    try:
        consume(path)
    except SourceError as exc:
        assert exc.what
