"""Code in a process of its own: what it says, how it ends, and that it ends."""

import os
import sys
import time
from pathlib import Path

import pytest

from ondol import child_process
from ondol.child_process import ask, can_ask, fault

STARTS_ANOTHER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(600)
"""


def test_lines_and_environment() -> None:
    code = "import os; print('온돌'); print(os.environ['ONDOL_TEST_WORD'])"
    answer = ask("-c", code, seconds=60, environment={"ONDOL_TEST_WORD": "구들"})
    assert (answer.lines, answer.fault, answer.hung) == (("온돌", "구들"), "", False)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("raise OSError('libchip.so is missing')", "exit 1; OSError: libchip.so is missing"),
        ("import os; os.kill(os.getpid(), 11)", "SIGSEGV"),
        ("import os; os.abort()", "SIGABRT"),
        ("import sys; sys.exit(7)", "exit 7"),
        ("import no_such_chip", "exit 1; ModuleNotFoundError: No module named 'no_such_chip'"),
    ],
)
def test_how_it_ended(code: str, fault: str) -> None:
    quiet = {"PYTHONFAULTHANDLER": ""}  # pytest's own would say more
    assert ask("-c", code, seconds=60, environment=quiet).fault == fault


def test_much_is_said_in_few_words() -> None:
    code = "import sys; sys.stderr.write('x' * 100_000 + chr(10)); sys.exit(1)"
    assert len(ask("-c", code, seconds=60).fault) <= child_process.WORDS


def test_one_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    answer = ask("-c", STARTS_ANOTHER, str(noted), seconds=2.0)
    assert answer.hung and answer.fault == "no answer in 2 s"
    if noted.exists():  # on a busy machine it may not have come so far
        assert gone(int(noted.read_text() or "0"))


def gone(pid: int) -> bool:
    """Whether a killed process is gone, or only waits for its parent to ask."""
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_an_app_in_one_piece_has_nothing_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert can_ask()
    assert fault("raise SystemExit(7)", seconds=60) == "exit 7"
    monkeypatch.setattr(sys, "executable", "")
    assert not can_ask() and fault("raise SystemExit(7)", seconds=60) == ""


def test_an_interpreter_that_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    assert "No such file" in ask("-c", "", seconds=60).fault
