"""`ondol serve` in a process of its own: what it prints, that it answers, and how it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from command_line import ACTING, Ondol, environment


@contextmanager
def served(*arguments: str) -> Iterator[tuple["subprocess.Popen[bytes]", dict[str, Any]]]:
    """The process, and what it printed with --json when it began."""
    command = [sys.executable, str(ACTING), "serve", *arguments, "--port", "0", "--json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, env=environment()) as process:
        try:
            assert process.stdout is not None
            lines: list[bytes] = []
            while line := process.stdout.readline():
                lines.append(line)
                if line == b"}\n":
                    break
            yield process, json.loads(b"".join(lines))
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT reaches one process only on POSIX")
def test_it_prints_its_token_once_answers_and_ends_with_ctrl_c(home: Path) -> None:
    with served("talker", "--device", "cpu", "--threads", "1") as (process, told):
        with openai.OpenAI(base_url=told["url"], api_key=told["token"], max_retries=0) as client:
            said = client.chat.completions.create(
                model="talker", messages=[{"role": "user", "content": "비밀 질문"}], max_tokens=4
            )
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert said.usage is not None and said.usage.completion_tokens == 4
    assert told["url"].startswith("http://127.0.0.1:") and told["model"] == "talker"
    assert told["embeddings"] == "" and b"multilingual-e5-small" in err
    assert process.returncode == 130 and out == b""
    assert told["token"].encode() not in err and "비밀".encode() not in err
    assert b"Traceback" not in err


def test_a_token_of_ones_own_is_taken(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "ONDOL_SERVE_TOKEN", "my-own-token-of-24-letters")
    with served("talker", "--device", "null") as (_, told):
        assert told["token"] == "my-own-token-of-24-letters"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("talker", "--host", "0.0.0.0"), 2, "--allow-remote"),
        (("talker", "--host", "0.0.0.0", "--allow-remote", "--no-token"), 2, "needs a token"),
        (("talker", "--port", "99999"), 2, "port"),
        (("talker", "--queue", "-1"), 2, "queue"),
        (("nobody",), 4, "nobody"),
        (("talker", "--embeddings", "nobody"), 4, "nobody"),
        (("base", "--system", "짧게", "--port", "0"), 2, "system prompt"),
    ],
)
def test_what_cannot_be_served_is_said(
    ondol: Ondol, arguments: tuple[str, ...], code: int, text: str
) -> None:
    done = ondol("serve", *arguments)
    assert done.code == code and text in done.err


def test_remote_is_warned_of(home: Path) -> None:
    arguments = ("talker", "--device", "null", "--host", "0.0.0.0", "--allow-remote")
    with served(*arguments) as (process, told):
        process.terminate()
        _, err = process.communicate(timeout=60)
    assert told["token"] and b"Warning" in err
