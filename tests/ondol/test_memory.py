"""What this process uses, as the system says."""

import sys

import pytest

from ondol.memory import peak_resident_bytes, release_unused, resident_bytes

MEGABYTES_64 = 64 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not say")
def test_memory_that_is_used_is_seen_and_goes_back() -> None:
    before = resident_bytes()
    block = bytearray(b"\1") * MEGABYTES_64
    assert resident_bytes() >= before + MEGABYTES_64 * 3 // 4
    assert peak_resident_bytes() >= before + MEGABYTES_64 * 3 // 4
    del block
    release_unused()
    assert resident_bytes() < before + MEGABYTES_64 // 2
    assert peak_resident_bytes() >= before + MEGABYTES_64 * 3 // 4


@pytest.mark.parametrize("platform", ["win32", "plan9"])
def test_where_the_system_does_not_say_it_is_zero(
    platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    release_unused()
    assert resident_bytes() == 0
