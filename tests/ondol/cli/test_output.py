import io
import sys

import pytest

from ondol.cli.output import console, progress, safe, show_pairs, show_table, terminal


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_control_characters_are_shown_and_not_obeyed() -> None:
    assert safe("가\x1b[31m\r\x07나\t다\n\x7f\x9b") == "가␛[31m␍␇나\t다\n␡\ufffd"
    assert all(ord(c) >= 32 or c in "\t\n" for c in safe("".join(map(chr, range(256)))))


def test_tables_print_markup_as_it_is_and_cut_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    long = "가" * 300
    show_table(("one", "[b]two[/b]"), [("[red]x[/red]", long), (":smile:", "\x1b[2J")])
    show_pairs("[u]title[/u]", (("[i]name[/i]", "[/]"),))
    out = capsys.readouterr().out
    for text in (
        "[b]two[/b]",
        "[red]x[/red]",
        long,
        ":smile:",
        "␛[2J",
        "[u]title",
        "[i]name",
        "[/]",
    ):
        assert text in out
    assert "\x1b" not in out
    assert all(line == line.rstrip() for line in out.splitlines())


def test_progress_is_lines_in_a_pipe_and_bars_at_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress(str.upper) as report:
        for done in range(3):
            report("weights", done, 2)
        report("graph", 1, 1)
    assert capsys.readouterr().err == "WEIGHTS\nGRAPH\n"
    screen = _Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with progress(lambda stage: f"[{stage}]") as report:
        report("weights", 1, 2)
        report("weights", 2, 2)
    assert "[weights]" in screen.getvalue() and "100%" in screen.getvalue()


def test_a_reader_that_leaves_is_an_exception_and_not_an_exit() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        console(Gone()).print("x")


def test_a_closed_stream_is_no_terminal() -> None:
    stream = _Terminal()
    assert terminal(stream)
    stream.close()
    assert not terminal(stream)


def test_rows_are_lines_in_a_pipe_and_a_table_at_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress(str.upper) as report:
        report("weights", 0, 2)
        report.row(("size", "크기"), ("1", "\x1b[31m2"))
        report.row(("size", "크기"), ("3", "4"))
    assert capsys.readouterr().err == "WEIGHTS\nsize  크기\n1  ␛[31m2\n3  4\n"
    screen = _Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with progress(str.upper) as report:
        report("weights", 1, 2)
        report.row(("size", "크기"), ("1", "2"))
        report.row(("size", "크기"), ("33", "4"))
    last = screen.getvalue().rpartition("크기")[2]
    assert "33" in last and "WEIGHTS" in last
