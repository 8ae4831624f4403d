"""What tests of the server share: one that runs, its clients, and a model that takes its time."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2
import openai
from numpy.typing import NDArray

from ondol import Assistant
from ondol.bundle import Bundle
from ondol.encoder import Encoder
from ondol.server.serving import Server
from ondol.server.settings import ServerSettings

SECRET = "비밀스러운 질문"
"""A prompt that must turn up nowhere."""


@contextmanager
def serving(
    bundle: Bundle, settings: ServerSettings | None = None, encoder: Encoder | None = None
) -> Iterator[tuple[Server, Assistant]]:
    """A server on a free port, and the assistant behind it."""
    chosen = settings or ServerSettings(port=0)
    with (
        Assistant(bundle, device="cpu", threads=1, spin=False) as assistant,
        Server(assistant, encoder, chosen) as server,
    ):
        yield server, assistant


def client_of(server: Server, **options: Any) -> openai.OpenAI:
    """The official client, without retries of its own."""
    plain = httpx2.Client(trust_env=False)
    return openai.OpenAI(
        base_url=server.url, api_key=server.token, max_retries=0, http_client=plain, **options
    )


def web(server: Server, **headers: str) -> httpx2.Client:
    """A plain client with the token."""
    shown = {"Authorization": f"Bearer {server.token}"} | headers
    return httpx2.Client(
        base_url=server.url.removesuffix("/v1"), headers=shown, trust_env=False, timeout=60
    )


def chat_body(**changes: Any) -> dict[str, Any]:
    """A request that is answered."""
    told = [{"role": "user", "content": SECRET}]
    return {"model": "talker", "messages": told, "max_tokens": 8} | changes


class Work:
    """What a model is made to do: runs of tokens."""

    def __init__(self) -> None:
        self.runs = 0

    def wait_for(self, runs: int) -> None:
        """Wait until so many have begun; fails when they never do."""
        until = time.monotonic() + 60
        while self.runs < runs:
            assert time.monotonic() < until
            time.sleep(0.005)


@contextmanager
def unhurried(assistant: Assistant, seconds: float) -> Iterator[Work]:
    """Let each token take its time, and see how many are made."""
    engine = assistant.conversation().engine
    append, work = engine._append, Work()

    def slow(ids: Sequence[int]) -> NDArray[Any]:
        work.runs += 1
        time.sleep(seconds)
        return append(ids)

    engine._append = slow  # type: ignore[method-assign]
    try:
        yield work
    finally:
        del engine._append


def counts(server: Server) -> dict[str, float]:
    """What `/metrics` says now, by name with labels."""
    with web(server) as asking:
        lines = asking.get("/metrics").text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def eventually(server: Server, name: str, wanted: float) -> dict[str, float]:
    """The counts once one of them is as wanted; fails when it never is."""
    until = time.monotonic() + 60
    while True:
        found = counts(server)
        if found.get(name, 0) == wanted:
            return found
        assert time.monotonic() < until, found
        time.sleep(0.02)
