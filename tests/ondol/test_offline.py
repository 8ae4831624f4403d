"""Nothing leaves the device: a chat opens no socket, and prints nothing but the answer."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ondol.bundle import Bundle
from source_tree import PACKAGES, imports, modules, shown
from tiny_models import Tiny
from weights import starter_bundle

NETWORK = {
    "aiohttp",
    "asyncio",
    "dask",
    "distributed",
    "ftplib",
    "http",
    "httpx",
    "huggingface_hub",
    "requests",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "tornado",
    "urllib3",
    "webbrowser",
}
DOORS = {
    ("converters/ondol_converters/hub/library.py", "huggingface_hub"),
    ("converters/ondol_converters/sweep/cluster.py", "distributed"),
    ("sdk/ondol/asynchronous.py", "asyncio"),
    ("sdk/ondol/tools/running.py", "asyncio"),
}
"""What may talk, and only inside functions, when the user named a hub or a cluster, or awaits."""

SERVING = "sdk/ondol/server/"
"""What talks on purpose; the rest imports it only inside functions."""

GUARD = """
import os, sys
TRIED, ORDER = [], []

def hook(event, arguments):
    if event.startswith(("socket.", "urllib.", "http.", "ftplib.", "smtplib.")):
        TRIED.append(event)
    if event == "import" and arguments[0] == "onnxruntime":
        ORDER.append(os.environ.get("ORT_DISABLE_TELEMETRY"))

sys.addaudithook(hook)
"""
"""Notes every use of a socket, and whether telemetry was off when onnxruntime came in."""

CHAT = """
import sys
from ondol import Conversation, Engine
from ondol.reply import Limits

with Engine.open(sys.argv[1], context=int(sys.argv[2])) as engine:
    conversation = Conversation(engine)
    for text in sys.argv[3:]:
        reply = conversation.send(text, Limits(max_tokens=8))
        for piece in reply:
            print(piece, end="", flush=True)
        conversation.keep(reply)
        print(flush=True)
"""

COMMAND = """
import sys
from ondol.cli.app import run

sys.stderr = sys.stdout  # where the line of figures goes
arguments = ["chat", sys.argv[1], "--context", sys.argv[2], "--once", sys.argv[3]]
assert run([*arguments, "--max-tokens", "8"]) == 0
"""

VERDICT = """
import json
print(json.dumps({"tried": TRIED, "order": ORDER}))
"""

SECRET = "주민등록번호는 비밀이에요"
TEXTS = ("안녕하세요? 오늘은 온돌방이 참 따뜻하네요.", SECRET)


def chat(code: str, bundle: Bundle, context: int, *texts: str, trace: Path | None = None) -> str:
    """What a chat in a process of its own prints; on stderr there must be nothing."""
    command = [sys.executable, "-W", "error", "-c", code, str(bundle.path), str(context), *texts]
    if trace:
        command = ["strace", "-f", "-e", "trace=network", "-o", str(trace), *command]
    ran = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=True,
    )
    assert ran.stderr == ""
    return ran.stdout


def needs_strace(folder: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: apt-get install strace")
    tried = ["strace", "-f", "-e", "trace=network", "-o", str(folder / "try"), "true"]
    if subprocess.run(tried, capture_output=True, check=False).returncode:
        pytest.skip("strace may not trace here")


def calls_out(trace: Path) -> list[str]:
    """The system calls that have to do with a network; local sockets of the system are none."""
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    assert any("exited with 0" in line for line in lines)
    return [
        line
        for line in lines
        if "AF_INET" in line
        or "AF_NETLINK" in line
        or ("connect(" in line and "AF_UNIX" not in line)
    ]


def test_a_chat_opens_no_socket(tiny: Tiny) -> None:
    printed = chat(GUARD + CHAT + VERDICT, tiny("qwen3"), 128, *TEXTS)
    assert json.loads(printed.splitlines()[-1]) == {"tried": [], "order": ["1"]}


def test_the_command_opens_no_socket(tiny: Tiny, tmp_path: Path) -> None:
    pytest.importorskip("typer")
    code = GUARD + COMMAND + VERDICT
    printed = chat(code, tiny("qwen3"), 128, TEXTS[0])
    assert json.loads(printed.splitlines()[-1]) == {"tried": [], "order": ["1"]}
    needs_strace(tmp_path)
    chat(COMMAND, tiny("qwen3"), 128, TEXTS[0], trace=tmp_path / "trace")
    assert calls_out(tmp_path / "trace") == []


PULL = """
import io, sys
from ondol.cli.app import run

sys.stderr = sys.stdout
sys.stdin = io.StringIO("y\\n")  # a yes, but from no terminal
assert run(["pull", "hf:maker/tiny-ko"]) == 9
assert run(["--help"]) == 0
assert "huggingface_hub" not in sys.modules
"""


def test_a_pull_without_the_users_word_opens_no_socket(tiny: Tiny, tmp_path: Path) -> None:
    pytest.importorskip("typer")
    printed = chat(GUARD + PULL + VERDICT, tiny("qwen3"), 128)
    assert json.loads(printed.splitlines()[-1]) == {"tried": [], "order": []}
    needs_strace(tmp_path)
    chat(PULL, tiny("qwen3"), 128, trace=tmp_path / "trace")
    assert calls_out(tmp_path / "trace") == []


@pytest.mark.parametrize("device", ["cpu", "capi"])
def test_a_chat_makes_no_call_to_a_network(device: str, tiny: Tiny, tmp_path: Path) -> None:
    needs_strace(tmp_path)
    code = CHAT.replace("context=", f"device={device!r}, context=")
    chat(code, tiny("qwen3"), 128, *TEXTS, trace=tmp_path / "trace")
    assert calls_out(tmp_path / "trace") == []


def test_a_chat_prints_nothing_but_the_answer(tiny: Tiny) -> None:
    from ondol.engine import Engine
    from ondol.reply import Limits
    from ondol.session import Conversation

    bundle = tiny("qwen3")
    printed = chat(CHAT, bundle, 128, *TEXTS)
    with Engine.open(bundle, context=128) as engine:
        conversation = Conversation(engine)
        answers = []
        for text in TEXTS:
            reply = conversation.send(text, Limits(max_tokens=8))
            answers.append(reply.read())
            conversation.keep(reply)
    assert printed == "".join(f"{answer}\n" for answer in answers)
    assert any(answers) and SECRET not in printed


def test_a_chat_writes_no_file(tiny: Tiny, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    bundle = tiny("qwen3")
    before = {path: path.stat().st_mtime_ns for path in bundle.path.rglob("*")}
    code = "import os, tempfile\ntempfile.tempdir = os.environ['HOME']\n" + CHAT
    command = [sys.executable, "-c", code, str(bundle.path), "128", *TEXTS]
    env = {**os.environ, "HOME": str(home), "TMPDIR": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(command, capture_output=True, env=env, cwd=home, check=True)
    assert list(home.rglob("*")) == []
    assert {path: path.stat().st_mtime_ns for path in bundle.path.rglob("*")} == before


@pytest.mark.parametrize("asked", ["0", ""])
def test_telemetry_cannot_be_left_on(asked: str) -> None:
    code = GUARD + "import ondol_runtimes._package\n" + VERDICT
    env = {**os.environ, "ORT_DISABLE_TELEMETRY": asked}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True
    )
    assert json.loads(ran.stdout) == {"tried": [], "order": ["1"]}


def test_onnxruntime_comes_in_through_one_door() -> None:
    doors = {
        shown(file)
        for folder in PACKAGES.values()
        for file in modules(folder)
        for found in imports(file)
        if found.top == "onnxruntime"
    }
    assert doors == {"runtimes/ondol_runtimes/_onnxruntime.py"}
    text = (PACKAGES["ondol_runtimes"] / "_onnxruntime.py").read_text(encoding="utf-8")
    assert 0 < text.index('os.environ["ORT_DISABLE_TELEMETRY"] = "1"') < text.index("import onnx")


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_imports_anything_that_talks(package: str) -> None:
    talking = [
        f"{shown(file)}:{found.line} imports {found.module}"
        for file in modules(PACKAGES[package])
        for found in imports(file)
        if found.top in NETWORK or found.module == "urllib.request"
        if found.runs or (shown(file), found.top) not in DOORS
        if not shown(file).startswith(SERVING)
    ]
    assert talking == []


def test_serving_is_imported_only_when_asked_for() -> None:
    early = [
        f"{shown(file)}:{found.line} imports {found.module}"
        for folder in PACKAGES.values()
        for file in modules(folder)
        if not shown(file).startswith(SERVING)
        for found in imports(file)
        if found.runs and found.module.startswith("ondol.server")
    ]
    assert early == []


def test_the_doors_are_used() -> None:
    places = {shown(file): file for folder in PACKAGES.values() for file in modules(folder)}
    assert all(any(each.top == top for each in imports(places[name])) for name, top in DOORS)


TALK = """
import socket
with socket.socket() as s:
    s.settimeout(0.1)
    try:
        s.connect(("127.0.0.1", 9))
    except OSError:
        pass
"""


def test_the_guards_notice_a_socket(tiny: Tiny, tmp_path: Path) -> None:
    bundle = tiny("qwen3")
    printed = chat(GUARD + TALK + VERDICT, bundle, 128)
    assert "socket.connect" in json.loads(printed)["tried"]
    needs_strace(tmp_path)
    chat(TALK, bundle, 128, trace=tmp_path / "trace")
    assert any("AF_INET" in line for line in calls_out(tmp_path / "trace"))


@pytest.mark.weights
@pytest.mark.parametrize("name", ["qwen", "gemma"])
def test_a_chat_with_a_starter_stays_here(name: str, tmp_path: Path) -> None:
    bundle = starter_bundle(name)
    printed = chat(GUARD + CHAT + VERDICT, bundle, 512, TEXTS[0])
    assert json.loads(printed.splitlines()[-1]) == {"tried": [], "order": ["1"]}
    needs_strace(tmp_path)
    chat(CHAT, bundle, 512, TEXTS[0], trace=tmp_path / "trace")
    assert calls_out(tmp_path / "trace") == []
