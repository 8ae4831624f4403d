"""The bytes of a circle file: what circle-schema reads back, and what does not fit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ondol.errors import OptionError, StorageError

schema = pytest.importorskip("circle_schema.v0_10.circle")

from ondol_converters.circle.file import ALIGNMENT, MOST_BYTES, CircleFile  # noqa: E402
from ondol_converters.circle.translation import options  # noqa: E402

SCALE = 2.3125  # as float32, bytes that nothing else in the file has


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


def doubled(file: CircleFile) -> CircleFile:
    x = file.input("x", "float32", [2, 3])
    two = file.constant("two", np.array([SCALE], np.float32))
    made = file.operator("MUL", [x, two], [("y", "float32", [2, 3])], options("MulOptions"))
    file.output("y", made[0])
    return file


def test_circle_schema_reads_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.circle"
    file = doubled(CircleFile("doubled"))
    chunks = [np.arange(7, dtype=np.uint8), np.arange(7, 10, dtype=np.uint8)]
    file.weight("w", "uint8", [10], 10, lambda: chunks)
    file.write(path, silent)
    raw = path.read_bytes()
    model: Any = schema.Model.Model.GetRootAs(raw)
    graph = model.Subgraphs(0)
    assert raw[4:8] == b"CIR0" and graph.Name() == b"doubled"
    assert [graph.Tensors(n).Name() for n in range(4)] == [b"x", b"two", b"y", b"w"]
    assert list(graph.InputsAsNumpy()) == [0] and list(graph.OutputsAsNumpy()) == [2]
    code = model.OperatorCodes(graph.Operators(0).OpcodeIndex()).BuiltinCode()
    assert code == schema.BuiltinOperator.BuiltinOperator.MUL
    held = [model.Buffers(n).DataAsNumpy() for n in (1, 2)]
    assert held[0].view(np.float32).tolist() == [SCALE] and held[1].tolist() == list(range(10))
    assert [raw.index(each.tobytes()) % ALIGNMENT for each in held] == [0, 0]


def test_a_file_that_no_flatbuffer_holds_is_refused_before_it_is_written(tmp_path: Path) -> None:
    file = doubled(CircleFile("large"))
    file.weight("w", "float32", [1 << 29], 1 << 31, lambda: pytest.fail("bytes were asked for"))
    with pytest.raises(OptionError, match=r"2\.15 GB") as caught:
        file.write(tmp_path / "a.circle", silent)
    assert "flatbuffer" in caught.value.why and list(tmp_path.iterdir()) == []
    assert MOST_BYTES == 2**31 - 1


def test_weights_of_another_length_leave_nothing_behind(tmp_path: Path) -> None:
    file = doubled(CircleFile("short"))
    file.weight("w", "uint8", [10], 10, lambda: [np.zeros(9, np.uint8)])
    with pytest.raises(ValueError, match="9 bytes, 10 expected"):
        file.write(tmp_path / "a.circle", silent)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        doubled(CircleFile("nowhere")).write(tmp_path / "no" / "a.circle", silent)


def test_progress_ends_at_the_whole_file(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = tmp_path / "a.circle"
    doubled(CircleFile("told")).write(path, lambda done, total: told.append((done, total)))
    assert told[-1][0] == path.stat().st_size <= told[-1][1]
