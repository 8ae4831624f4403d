"""No prompt and no answer in any log, crash report or file, with everything logged at DEBUG."""

import subprocess
import sys
from pathlib import Path

import pytest

from command_line import ACTING, environment

QUESTION, ANSWER = "비밀질문 김서연 010-0132-4578", "비밀답변 850302-1970018"
SECRETS = ("비밀질문", "010-0132-4578", "비밀답변", "850302-1970018")

RUN = """
import faulthandler, logging, runpy, sys
from ondol import registry
from ondol_runtimes.null import NullDecoder, NullRuntime

logging.basicConfig(filename="debug.log", level=logging.DEBUG)
logging.captureWarnings(True)
logging.getLogger("ondol.engine").debug("the log works")
faulthandler.enable(open("crash.log", "w"))

class Breaking(NullDecoder):
    def _append(self, ids):
        if len(ids) == 1:
            raise ValueError("broken in the middle")
        return super()._append(ids)

class BreakingRuntime(NullRuntime):
    name = "breaking"
    def _open(self, bundle, plan):
        return Breaking(bundle, plan)

sys.modules["breaking"] = sys.modules["__main__"]
registry.DEVICES["breaking"] = "breaking:BreakingRuntime"
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "always", "-c", RUN, str(ACTING), *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        timeout=120,
        check=False,
    )


def written(folder: Path) -> dict[str, bytes]:
    """Every file below a folder that the run may have written."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def quiet(text: bytes) -> bool:
    return not any(secret.encode() in text for secret in SECRETS)


@pytest.fixture
def folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ONDOL_PARROT", ANSWER)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_a_chat_leaves_nothing_of_what_was_said(folder: Path) -> None:
    done = run(folder, "chat", "talker", "--device", "parrot", "--once", QUESTION)
    assert done.returncode == 0 and ANSWER.encode() in done.stdout
    assert quiet(done.stderr)
    files = written(folder)
    assert b"the log works" in files[str(folder / "debug.log")]
    assert [name for name, data in files.items() if not quiet(data)] == []


def test_a_crash_in_the_middle_tells_where_and_not_what(folder: Path) -> None:
    once = ("chat", "talker", "--device", "breaking", "--once", QUESTION, "--debug")
    done = run(folder, *once)
    assert done.returncode != 0 and b"broken in the middle" in done.stderr
    assert b"Traceback" in done.stderr and quiet(done.stderr + done.stdout)
    assert [name for name, data in written(folder).items() if not quiet(data)] == []
