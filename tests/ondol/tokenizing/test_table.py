"""Tables that were damaged or made to do harm: CorruptBundle, never a crash or a hang."""

import struct
import sys
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ondol.errors import CorruptBundle
from ondol.tokenizer import Tokenizer
from ondol.tokenizing.building import table_bytes
from ondol.tokenizing.layout import SECTIONS
from ondol.tokenizing.mapped import MappedBackend
from ondol.tokenizing.steps import Cut, Normal
from ondol.tokenizing.table import Named, Sizes, Table
from tokenizer_kinds import STORY, kinds

NAMES = ("small-pieces", "small-level", "pieces-added")
HEADER, PLACE = 56, 16


@cache
def whole(name: str) -> bytes:
    return table_bytes(kinds()[name].encode())


def places(raw: bytes) -> dict[str, tuple[int, int]]:
    """Where each section begins and how many bytes it has, read from the header."""
    found = struct.iter_unpack("<QQ", raw[HEADER : HEADER + PLACE * len(SECTIONS)])
    return dict(zip(SECTIONS, found, strict=True))


def with_section(raw: bytes, name: str, at: int, value: bytes) -> bytes:
    start, size = places(raw)[name]
    assert 0 <= at <= size - len(value)
    return raw[: start + at] + value + raw[start + at + len(value) :]


def used(raw: bytes) -> None:
    """Do everything a tokenizer can do."""
    tokenizer = Tokenizer(MappedBackend(Table(memoryview(raw))), bos=2, eos=(1,))
    ids = tokenizer.encode(STORY, special=True) + tokenizer.encode("가" * 200)
    assert all(0 <= token < 1 << 22 for token in ids)
    tokenizer.decode(ids)
    assert len(tokenizer.vocabulary) <= len(raw)
    for token in range(tokenizer.size):
        tokenizer.token_bytes(token)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_source_gives_the_same_bytes_in_place(name: str) -> None:
    raw = whole(name)
    assert raw == table_bytes(kinds()[name].encode())
    used(raw)
    end = HEADER + PLACE * len(SECTIONS)
    for section, (start, size) in places(raw).items():
        assert start % 64 == 0 and 0 <= start - end < 64, section
        end = start + size
    assert end == len(raw)


@given(st.sampled_from(NAMES), st.data())
@settings(max_examples=200, deadline=None)
def test_flipped_bytes(name: str, data: st.DataObject) -> None:
    raw = bytearray(whole(name))
    section = data.draw(st.sampled_from([None, *SECTIONS]))
    start, size = (0, HEADER + PLACE * len(SECTIONS))
    if section is not None:
        start, size = places(whole(name))[section]
    for _ in range(data.draw(st.integers(1, 8)) if size else 0):
        at = start + data.draw(st.integers(0, size - 1))
        raw[at] = data.draw(st.integers(0, 255))
    try:
        used(bytes(raw))
    except CorruptBundle as exc:
        assert exc.fix and exc.why


@given(st.integers(0, 1 << 16))
@example(0)
@settings(deadline=None)
def test_cut_short(size: int) -> None:
    raw = whole("small-pieces")
    with pytest.raises(CorruptBundle):
        used(raw[: size % len(raw)])
    with pytest.raises(CorruptBundle):
        used(raw + bytes(1 + size % 100))


@pytest.mark.parametrize(
    ("section", "at", "value"),
    [
        ("text_starts", 40, b"\xff\xff\xff\xff"),
        ("find_ids", 0, b"\xff\xff\xff\x7f" * 8),
        ("find_starts", 4, b"\xff\xff\xff\xff"),
        ("merge_results", 0, b"\xff" * 64),
        ("texts", 0, b"\xff" * 64),
        ("bytes", 0xEA * 4, b"\xfe\xff\xff\xff"),
        ("added", 0, b"\xff\xff\xff\xff"),
    ],
)
def test_what_leads_out_is_named(section: str, at: int, value: bytes) -> None:
    with pytest.raises(CorruptBundle, match=r"tokenizer\.bin"):
        used(with_section(whole("small-pieces"), section, at, value))


def test_machines_of_the_other_byte_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told that it is big-endian, this machine swaps each number on both ways, to the same ids."""
    text = kinds()["pieces-added"]
    here = Tokenizer(MappedBackend(Table(memoryview(table_bytes(text.encode())))))
    monkeypatch.setattr(sys, "byteorder", "big")
    there = Tokenizer(MappedBackend(Table(memoryview(table_bytes(text.encode())))))
    assert there.encode(STORY) == here.encode(STORY)


def test_versions_to_come_are_named() -> None:
    raw = bytearray(whole("small-level"))
    raw[8] = 2
    with pytest.raises(CorruptBundle, match="version 2"):
        used(bytes(raw))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("normal", (Normal("replace", "", "x"),)),
        ("normal", (Normal("replace", "a", "a" * 1000),)),
        ("normal", (Normal("prepend", "", "a"),) * 1000),
        ("normal", (Normal("unicode", "", "NFZ"),)),
        ("normal", tuple(Normal("replace", "가", "가" * 16) for _ in range(8))),
        ("cuts", (Cut("pattern", r"(a+)+b", "Isolated", False),)),
        ("cuts", (Cut("pattern", "gpt2", "Somehow", False),)),
        ("cuts", (Cut("text", "", "Isolated", False),)),
        ("cuts", (Cut("metaspace", "twice", "", True),)),
        ("added", (Sizes("<", tuple(range(1, 100_000))),)),
        ("added", (Sizes("", (1,)),)),
        ("added", (Sizes("가나다", (3,)),)),
        ("added", (Sizes("가", (0,)),)),
        ("normalised", (Named("", 1),)),
        ("normalised", (Named("가", 1 << 30),)),
        ("unknown", 1 << 30),
        ("size", 1 << 30),
        ("bridges", "x" * 1000),
    ],
)
def test_settings_that_would_do_harm_are_refused(field: str, value: object) -> None:
    raw = whole("small-pieces")
    good = Table(memoryview(raw)).settings
    told = replace(good, **{field: value}).to_json()  # type: ignore[arg-type]
    with pytest.raises(CorruptBundle, match=r"tokenizer\.bin"):
        used(with_settings(raw, told))
    used(with_settings(raw, good.to_json()))


def with_settings(raw: bytes, told: bytes) -> bytes:
    """The table with other settings, every other section moved behind them."""
    starts = places(raw)
    body, table, at = b"", b"", HEADER + PLACE * len(SECTIONS)
    for name, (start, size) in starts.items():
        data = told if name == "settings" else raw[start : start + size]
        gap = -at % 64
        body += bytes(gap) + data
        table += struct.pack("<QQ", at + gap, len(data))
        at += gap + len(data)
    return raw[:16] + struct.pack("<Q", at) + raw[24:HEADER] + table + body
