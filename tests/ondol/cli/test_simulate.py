"""`ondol simulate`: figures, the word beside each, files, and what cannot be simulated."""

import struct
import sys
from pathlib import Path

import pytest

from command_line import Ondol
from graph_bundle import encoder_bundle
from ondol.bundle import Bundle
from ondol.packing import pack
from ondol_runtimes.aim.cycles import cycles
from ondol_runtimes.aim.mapping import Gemv
from ondol_runtimes.aim.trace import lines


def test_a_product_in_json(ondol: Ondol) -> None:
    done = ondol("simulate", "--gemv", "1024x1024", "--device", "aim", "--channels", "32", "--json")
    assert done.code == 0 and done.err == ""
    assert done.json["cycles"] == 765 and done.json["simulated"] is True
    assert (done.json["rows"], done.json["columns"], done.json["channels"]) == (1024, 1024, 32)
    assert any("no refresh" in each for each in done.json["assumptions"])


def test_rows_come_first(ondol: Ondol) -> None:
    for shape in ("3072x768", "768X3072", "33×1025"):
        rows, columns = map(int, shape.lower().replace("×", "x").split("x"))
        done = ondol("simulate", "--gemv", shape, "--channels", "4", "--json")
        assert done.json["cycles"] == cycles(Gemv(rows, columns, 4))


def test_a_bundle_in_json(ondol: Ondol) -> None:
    done = ondol("simulate", "base", "--device", "aim", "--channels", "8", "--json")
    assert done.code == 0
    found = done.json
    assert found["cycles"] == sum(s["cycles"] * s["matrices"] for s in found["steps"]) > 0
    assert found["tokens_per_second"] == pytest.approx(1e9 / found["cycles"])
    assert found["inside_bytes"] > found["outside_bytes"] > 0
    assert [stay["part"] for stay in found["stays"]][0] == "attention"
    assert "no figure" in found["energy"] and 0 < found["stays_share_macs"] < 1


def test_a_packed_bundle_is_simulated_as_it_lies(ondol: Ondol, home: Path, tmp_path: Path) -> None:
    pack(Bundle.open(home / "bundles" / "base"), tmp_path / "base.ondol")
    packed = ondol("simulate", str(tmp_path / "base.ondol"), "--json")
    assert packed.code == 0 and packed.json == ondol("simulate", "base", "--json").json


def test_only_decoders_are_decoded(ondol: Ondol, tmp_path: Path) -> None:
    encoder_bundle(tmp_path / "encoder")
    done = ondol("simulate", str(tmp_path / "encoder"))
    assert done.code == 4 and "no text generator" in done.err


@pytest.mark.parametrize(("language", "word"), [("en", "simulated"), ("ko", "모의")])
@pytest.mark.parametrize("what", [("--gemv", "100x100"), ("base",)])
def test_every_line_says_that_it_is_simulated(
    language: str, word: str, what: tuple[str, ...], ondol: Ondol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_LANG", language)
    done = ondol("simulate", *what, "--channels", "2")
    shown = done.out.splitlines()
    assert done.code == 0 and len(shown) > 10
    assert [line for line in shown if word not in line] == []


def test_every_figure_comes_with_what_it_assumes(ondol: Ondol) -> None:
    for what in (("--gemv", "8x8"), ("base",)):
        shown = ondol("simulate", *what).out
        for word in ("no refresh", "1 ns a cycle", "BF16", "not timed", "energy", "no figure"):
            assert word in shown
    for word in ("upper bound", "softmax", "embedding lookup", "of multiplications", "of bytes"):
        assert word in shown


def test_a_trace_is_written_whole(ondol: Ondol, tmp_path: Path) -> None:
    trace = tmp_path / "a.trace"
    trace.write_text("old")
    done = ondol("simulate", "--gemv", "40x1025", "--channels", "2", "--trace", str(trace))
    assert done.code == 0 and str(trace) in done.err
    assert trace.read_text("ascii").splitlines() == list(lines(Gemv(40, 1025, 2)))
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.trace"]


@pytest.mark.parametrize("ending", ["png", "SVG"])
@pytest.mark.parametrize("what", [("--gemv", "100x1000"), ("base",)])
def test_a_chart_is_drawn(ending: str, what: tuple[str, ...], ondol: Ondol, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason='pip install "ondol[chart]"')
    chart = tmp_path / f"roof.{ending}"
    done = ondol("simulate", *what, "--chart", str(chart), "--json")
    assert done.code == 0 and done.json["simulated"]
    raw = chart.read_bytes()
    if ending == "png":
        assert raw.startswith(b"\x89PNG") and struct.unpack(">II", raw[16:24]) == (1200, 750)
    else:
        assert b"<svg" in raw


def test_without_matplotlib_the_extra_is_named(
    ondol: Ondol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    done = ondol("simulate", "--gemv", "8x8", "--chart", str(tmp_path / "a.png"))
    assert done.code == 8 and "ondol[chart]" in done.err and not list(tmp_path.glob("*.png"))


@pytest.mark.parametrize(
    "shape",
    [
        *("0x5", "5x0", "-1x5", "5x-1", "5", "x", "5x", "1x2x3", "a x b", "1.5x2", "1e3x4", " "),
        *("１２x３", "9" * 13 + "x1", "999999999999x999999999999", "300000x300000"),
    ],
)
def test_shapes_that_cannot_be(shape: str, ondol: Ondol) -> None:
    done = ondol("simulate", f"--gemv={shape}", "--json")
    assert (
        done.code == 2 and done.json["error"]["kind"] == "OptionError" and done.json["error"]["fix"]
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "not both"),
        (("base", "--gemv", "8x8"), 2, "not both"),
        (("base", "--trace", "t"), 2, "--trace belongs to --gemv"),
        (("--gemv", "8x8", "--context", "5"), 2, "--context belongs to a bundle"),
        (("--gemv", "8x8", "--channels", "0"), 2, "0 channels"),
        (("--gemv", "8x8", "--channels", "33"), 2, "1 to 32"),
        (("base", "--channels", "-1"), 2, "-1 channels"),
        (("base", "--channels", "two"), 2, "integer"),
        (("base", "--context", "4096"), 2, "1 to 128"),
        (("--gemv", "8x8", "--chart", "roof.pdf"), 2, "roof.pdf"),
        (("--gemv", "8x8", "--device", "cpu"), 2, "not simulated"),
        (("--gemv", "8x8", "--device", "aimm"), 5, "aim"),
        (("nowhere",), 4, "nowhere"),
    ],
)
def test_what_cannot_be_meant(
    arguments: tuple[str, ...], code: int, words: str, ondol: Ondol
) -> None:
    done = ondol("simulate", *arguments)
    assert done.code == code and words in done.err and done.out == ""


@pytest.mark.parametrize("option", ["--trace", "--chart"])
@pytest.mark.parametrize("name", ["no/such/folder/a.png", "folder.png"])
def test_a_file_that_cannot_be_written(
    option: str, name: str, ondol: Ondol, tmp_path: Path
) -> None:
    if option == "--chart":
        pytest.importorskip("matplotlib", reason='pip install "ondol[chart]"')
    (tmp_path / "folder.png").mkdir()
    done = ondol("simulate", "--gemv", "8x8", option, str(tmp_path / name))
    assert done.code == 7 and done.out == "" and "Cannot write" in done.err
    assert [path.name for path in tmp_path.rglob("*.partial")] == []
