import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from command_line import ACTING, Ondol, environment
from ondol.hangul.script_guard import ScriptGuard
from ondol.starter import STARTERS
from weights import starter_bundle

LINE = re.compile(
    r"^AI-generated · \S+ · \w+ · [\d.]+ tokens/s · [\d.]+ characters/s"
    r" · memory [\d.,]+ MB · offline$"
)
KOREAN_LINE = re.compile(
    r"^AI 생성 · \S+ · \w+ · [\d.]+ 토큰/초 · [\d.]+ 글자/초 · 메모리 [\d.,]+ MB · 오프라인$"
)


def test_once_prints_the_answer_and_the_line_that_ends_it(process: Ondol) -> None:
    once = ("chat", "talker", "--once", "안녕", "--max-tokens", "12")
    done = process(*once)
    answer = process(*once, "--json").json
    text, _, line = done.out.removesuffix("\n").rpartition("\n")
    assert done.code == 0 and text == answer["text"] and LINE.match(line)
    assert "\x1b" not in done.out + done.err
    assert "--max-tokens" in done.err.splitlines()[-1]


def test_a_korean_message_is_answered_in_korean_scripts(
    ondol: Ondol, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def guard(text: str) -> None:
        seen.append(text)

    monkeypatch.setattr(ScriptGuard, "for_chat", guard)
    assert ondol("chat", "talker", "--once", "안녕", "--max-tokens", "1").code == 0
    assert len(seen) == 1 and seen[0].endswith("안녕")


def test_json_holds_the_answer_and_its_cost(ondol: Ondol) -> None:
    done = ondol("chat", "talker", "--once", "안녕", "--max-tokens", "5", "--json")
    said = done.json
    assert said["finish"] == "length" and said["offline"] is True
    assert (said["model"], said["device"]) == ("talker", "cpu")
    assert said["licence"] == "[bold]Own[/bold]"
    assert said["label"]["ai_generated"] is True and said["label"]["model"] == "talker"
    assert said["memory_bytes"] > 0 and said["stats"]["decode_tokens"] == 4
    assert said["stats"]["characters"] == len(said["text"]) and said["rates"]["decode_tokens"] > 0
    assert "offline" not in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="reads Linux's or macOS' locale")
def test_the_line_is_korean_in_a_korean_locale(
    process: Ondol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ONDOL_LANG")
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    done = process("chat", "talker", "--once", "안녕", "--max-tokens", "3")
    assert KOREAN_LINE.match(done.out.splitlines()[-1])


def test_the_same_seed_gives_the_same_text(ondol: Ondol) -> None:
    def draw(seed: int) -> str:
        words = ("--temperature", "50", "--top-k", "0", "--seed", str(seed), "--max-tokens", "20")
        text: str = ondol("chat", "talker", "--once", "안녕", *words, "--json").json["text"]
        return text

    assert draw(7) == draw(7) != draw(8)


def test_a_stop_string_ends_the_answer(ondol: Ondol) -> None:
    once = ("chat", "talker", "--once", "안녕", "--max-tokens", "20", "--json")
    text = ondol(*once).json["text"]
    stopped = ondol(*once, "--stop", "never said", "--stop", text[3:5]).json
    assert stopped["finish"] == "stop" and stopped["text"] == text[: text.index(text[3:5])]


def test_a_base_model_continues_and_says_so_once(process: Ondol) -> None:
    done = process("chat", "base", "--max-tokens", "4", stdin="하나\n둘\n")
    assert done.code == 0
    said = [line for line in done.err.splitlines() if "no chat template" in line]
    assert len(said) == 1 and "4 tokens" in said[0]
    assert sum(bool(LINE.match(line)) for line in done.out.splitlines()) == 2


def test_what_a_model_says_is_never_markup(process: Ondol, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "[bold]굵게[/bold] :smile: [link=x]y[/] \\[z]"
    monkeypatch.setenv("ONDOL_PARROT", text)
    done = process("chat", "talker", "--device", "parrot", "--once", "a")
    assert done.code == 0 and done.out.startswith(text + "\n")


def test_lines_of_a_pipe_are_messages(process: Ondol) -> None:
    messages = "안녕\n\n/도움말\n/new\n반가워\n/끝\n안 읽힘\n"
    done = process("chat", "talker", "--max-tokens", "3", stdin=messages)
    assert done.code == 0 and "/quit" in done.err and "A new conversation" in done.err
    assert sum(bool(LINE.match(line)) for line in done.out.splitlines()) == 2


def test_a_full_conversation_goes_on_after_new(process: Ondol) -> None:
    messages = f"{'가' * 30}\n{'나' * 30}\n{'다' * 30}\n/new\n라\n"
    done = process("chat", "talker", "--max-tokens", "60", stdin=messages)
    assert done.code == 6
    assert "Start again: /new" in done.err and "Traceback" not in done.err
    assert LINE.match(done.out.splitlines()[-1])


def test_bytes_that_are_no_text_are_a_named_error_and_the_chat_goes_on(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ACTING), "chat", "talker", "--max-tokens", "3"],
        input=b"\xff\xfe\n\xed\x95\x9c\n",
        capture_output=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 6 and b"Traceback" not in done.stderr
    assert LINE.match(done.stdout.decode().splitlines()[-1])


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT reaches one process only on POSIX")
def test_ctrl_c_ends_an_answer_and_keeps_the_chat(home: Path) -> None:
    with _chat("slow", "--max-tokens", "20") as chat:
        assert chat.stdin and chat.stdout and chat.stderr
        chat.stdin.write("하나\n".encode())
        chat.stdin.flush()
        assert chat.stdout.read(1)
        chat.send_signal(signal.SIGINT)
        assert chat.stderr.readline() == b"Stopped.\n"
        while b"offline" not in chat.stdout.readline():
            pass
        chat.stdin.write("둘\n".encode())
        output, errors = chat.communicate(timeout=60)
    assert chat.returncode == 0 and "--max-tokens" in errors.decode()
    assert LINE.match(output.decode().splitlines()[-1])


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT reaches one process only on POSIX")
def test_ctrl_c_while_waiting_for_a_message_leaves(home: Path) -> None:
    with _chat("null") as chat:
        assert chat.stdin and chat.stdout and chat.stderr
        chat.stdin.write("하나\n".encode())
        chat.stdin.flush()
        while b"offline" not in chat.stdout.readline():
            pass
        chat.send_signal(signal.SIGINT)
        _, errors = chat.communicate(timeout=60)
    assert chat.returncode == 130 and b"Traceback" not in errors


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT reaches one process only on POSIX")
def test_ctrl_c_during_once_says_what_there_is(home: Path, started: Path) -> None:
    with _chat("slow", "--once", "하나", "--json") as chat:
        _wait_for(started)
        chat.send_signal(signal.SIGINT)
        out, errors = chat.communicate(timeout=60)
    assert chat.returncode == 130 and b"Traceback" not in errors
    assert b'"finish": "cancelled"' in out


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT reaches one process only on POSIX")
def test_ctrl_c_twice_leaves(home: Path, started: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_REST", "3")  # the first Ctrl-C takes effect after the token at hand
    with _chat("slow") as chat:
        assert chat.stdin
        chat.stdin.write("하나\n".encode())
        _wait_for(started)
        chat.send_signal(signal.SIGINT)
        time.sleep(0.5)  # two signals at once would be delivered as one
        chat.send_signal(signal.SIGINT)
        out, errors = chat.communicate(timeout=60)
    assert (chat.returncode, out, errors) == (130, b"", b"")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_at_a_terminal_answers_are_dimly_signed_and_obey_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_PARROT", "a\x1b[2Jb [red]c")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    ours, theirs = pty.openpty()
    command = [sys.executable, str(ACTING), "chat", "talker", "--device", "parrot"]
    with (
        subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment()
        ) as chat,
        _ended(chat, ours, theirs),
    ):
        screen = _read_until(ours, "you> ")
        assert "talker · parrot · /help" in screen
        os.write(ours, "안녕\n".encode())
        screen = _read_until(ours, r"offline\x1b\[0m.*you> ")
        assert "a␛[2Jb [red]c" in screen and "\x1b[2mAI-generated · talker · parrot · " in screen
        os.write(ours, b"\x04")
        assert chat.wait(60) == 0


def _chat(device: str, *more: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, str(ACTING), "chat", "talker", "--device", device, *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=environment(),
    )


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the slow device creates when it begins an answer."""
    path = tmp_path / "started"
    monkeypatch.setenv("ONDOL_STARTED", str(path))
    return path


def _wait_for(path: Path) -> None:
    """Until a file is there; fails after a minute without it."""
    for _ in range(6000):
        if path.exists():
            return
        time.sleep(0.01)
    pytest.fail(f"{path} did not come")


@contextmanager
def _ended(chat: "subprocess.Popen[bytes]", *descriptors: int) -> Iterator[None]:
    """Whatever a test finds, no process waits for a terminal that nobody sits at."""
    try:
        yield
    finally:
        chat.kill()
        for descriptor in descriptors:
            os.close(descriptor)


def _read_until(descriptor: int, pattern: str) -> str:
    """What a terminal shows, up to a pattern; fails after a minute without it."""
    seen = b""
    while not re.search(pattern, seen.decode(errors="replace"), re.DOTALL):
        ready, _, _ = select.select([descriptor], [], [], 60)
        assert ready, seen
        seen += os.read(descriptor, 65536)
    return seen.decode()


@pytest.mark.weights
def test_the_starter_knows_the_capital(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: Ondol
) -> None:
    made = starter_bundle("qwen").path
    monkeypatch.setenv("ONDOL_HOME", str(tmp_path / "fresh"))
    store = tmp_path / "fresh" / "bundles"
    store.mkdir(parents=True)
    (store / next(iter(STARTERS))).symlink_to(made)
    done = process("chat", "--once", "대한민국의 수도는 어디인가요?")
    assert done.code == 0 and "서울" in done.out
    assert LINE.match(done.out.splitlines()[-1])
