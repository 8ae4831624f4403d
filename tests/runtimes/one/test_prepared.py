"""onert's words: in the error, and not on the terminal; and what it would not have checked."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from circle_runner import model_of, unloadable
from ondol.errors import CorruptBundle
from ondol.target_reports import OneReport
from ondol_converters.circle.translation import translate
from ondol_runtimes.one import prepared
from ondol_runtimes.one.prepared import Prepared

ONE_ROW = {"x": np.zeros((1, 4), np.float32)}


def written(folder: Path) -> tuple[str, OneReport]:
    node = helper.make_node("Tanh", ["x"], ["y"], "t")
    file = translate(model_of([node], ONE_ROW, ["y"], {}), folder).file
    path = folder / "t.circle"
    file.write(path, lambda *_: None)
    return str(path), OneReport((), (), (), 0, tuple(file.inputs), tuple(file.outputs))


def test_what_onert_says_is_in_the_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _, circle = written(tmp_path)
    unloadable(tmp_path / "wrong.circle")
    with pytest.raises(CorruptBundle) as caught:
        Prepared(str(tmp_path / "wrong.circle"), circle, {"x": (1, 4)}, 1)
    assert "ShapeValidator" in caught.value.why and "NNFW_STATUS_ERROR" in caught.value.why
    assert capfd.readouterr() == ("", "")


def test_what_others_say_meanwhile_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with prepared._heard():
        thread = threading.Thread(target=lambda: os.write(2, b"from another thread\n"))
        thread.start()
        thread.join()
    assert capfd.readouterr().err == "from another thread\n"


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((1, 3), np.float32),
        np.zeros((1, 4), np.float64),
        np.zeros((1, 8), np.float32)[:, ::2],
    ],
)
def test_memory_of_another_size_or_kind_is_refused(array: np.ndarray, tmp_path: Path) -> None:
    path, circle = written(tmp_path)
    graph = Prepared(path, circle, {"x": (1, 4)}, 1)
    with pytest.raises(ValueError, match="≠"):
        graph.feed("x", array)


def test_settings_are_told_to_onert_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUM_THREADS", "7")
    monkeypatch.delenv("USE_MMAPED_DATA", raising=False)
    path, circle = written(tmp_path)
    Prepared(path, circle, {"x": (2, 4)}, 1)
    assert os.environ["NUM_THREADS"] == "7" and "USE_MMAPED_DATA" not in os.environ
