"""`ondol bench --sustained`."""

from pathlib import Path

import pytest

from command_line import Ondol
from ondol.cli.sustained import duration
from ondol.errors import OptionError
from ondol.sensors import readings


def test_a_second_is_sustained_recorded_and_told(ondol: Ondol, tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    arguments = ("bench", "base", "--device", "null", "--sustained", "1s", "--governed")
    done = ondol(*arguments, "--record", str(trace), "--json")
    assert done.code == 0 and "Sustaining" in done.err
    assert done.json["tokens"] > 0 and done.json["first"]["seconds"] == 0.5
    assert set(done.json["last"]) >= {"rate", "temperature", "frequency", "battery"}
    assert list(readings(trace))


@pytest.mark.parametrize(("language", "word"), [("en", "held"), ("ko", "유지")])
def test_it_is_told_in_both_languages(
    language: str, word: str, ondol: Ondol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_LANG", language)
    done = ondol("bench", "base", "--device", "null", "--sustained", "0.2s")
    assert done.code == 0 and word in done.out


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("10m", 600.0), ("1h", 3600.0), ("0.5m", 30.0)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "-1m", "1d", "1m 30s", "１m", "1e3s", "9999999s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(OptionError, match="duration"):
        duration(text)


def test_options_that_would_be_ignored(ondol: Ondol) -> None:
    assert ondol("bench", "base", "--governed").code == 2
    assert ondol("bench", "base", "--record", "x.jsonl").code == 2
    assert ondol("bench", "base", "--sustained", "25h").code == 2
