import hashlib
import os
from pathlib import Path

import pytest

from ondol.errors import CorruptSource, OptionError, SourceError
from ondol_converters.sources.parts import PartedFile

DATA = bytes(range(256)) * 5


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """1280 bytes in parts of 100, 0, 1 and 1179."""
    paths = []
    at = 0
    for number, size in enumerate((100, 0, 1, 1179)):
        path = tmp_path / f"weights.part{number:02}"
        path.write_bytes(DATA[at : at + size])
        paths.append(path)
        at += size
    return paths


def test_parts_read_as_one(parts: list[Path]) -> None:
    file = PartedFile(parts)
    assert file.size == len(DATA)
    assert file.name == "weights.part00"
    for start in (0, 1, 98, 99, 100, 101, 500, len(DATA)):
        for size in (0, 1, 2, 3, 300, len(DATA) - start):
            if start + size <= len(DATA):
                assert file.read(start, size) == DATA[start : start + size], (start, size)
    assert file.sha256() == hashlib.sha256(DATA).hexdigest()
    file.close()


@pytest.mark.parametrize(("start", "size"), [(0, 1281), (1280, 1), (-1, 1), (0, -1), (1 << 62, 8)])
def test_reading_outside_is_refused(parts: list[Path], start: int, size: int) -> None:
    with pytest.raises(CorruptSource, match="ends at byte 1280"):
        PartedFile(parts).read(start, size)


def test_a_file_that_shrinks_is_noticed(parts: list[Path]) -> None:
    file = PartedFile(parts)
    os.truncate(parts[3], 10)
    with pytest.raises(CorruptSource, match="shorter"):
        file.read(0, len(DATA))


def test_missing_and_odd_paths(tmp_path: Path, parts: list[Path]) -> None:
    with pytest.raises(SourceError, match="No such file"):
        PartedFile([parts[0], tmp_path / "absent"])
    with pytest.raises(SourceError, match="is not a file"):
        PartedFile([tmp_path])
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(SourceError, match="is not a file"):
        PartedFile([fifo])
    with pytest.raises(OptionError):
        PartedFile([])


def test_reading_after_close_is_refused(parts: list[Path]) -> None:
    file = PartedFile(parts)
    file.close()
    file.close()
    with pytest.raises(SourceError, match="closed"):
        file.read(0, 1)
