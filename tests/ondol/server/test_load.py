"""Many clients, slow ones and ones that vanish: one model, in turn, no reply without a reader."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import openai
import pytest
from openai.types.chat import ChatCompletion

from ondol.bundle import Bundle
from ondol.reply import Limits
from ondol.server.serving import Server
from ondol.server.settings import ServerSettings
from serving import chat_body, client_of, eventually, serving, unhurried

CANCELLED = 'ondol_replies_total{finish="cancelled"}'


def test_fifty_streams_at_once_are_all_whole(talker: Bundle) -> None:
    def ask(number: int) -> tuple[str, str]:
        body = chat_body(messages=[{"role": "user", "content": f"질문 {number}"}], max_tokens=24)
        with client_of(server) as client:
            stream = client.chat.completions.create(**body, stream=True)
            chunks = [chunk.choices[0] for chunk in stream]
        return "".join(one.delta.content or "" for one in chunks), chunks[-1].finish_reason or ""

    with serving(talker) as (server, assistant), ThreadPoolExecutor(50) as pool:
        said = list(pool.map(ask, range(50)))
        after = eventually(server, "ondol_replies_running", 0)
        alone = [
            assistant.reply(f"질문 {number}", limits=Limits(24)).read() for number in range(50)
        ]
    assert [text for text, _ in said] == alone
    assert {finish for _, finish in said} <= {"length", "stop"}
    assert after["ondol_requests_waiting"] == 0


def test_what_cannot_wait_is_sent_away_with_a_time(talker: Bundle) -> None:
    settings = ServerSettings(port=0, queue=1)
    with serving(talker, settings) as (server, assistant), ExitStack() as stack:
        client = stack.enter_context(client_of(server))
        with unhurried(assistant, 0.05) as work:
            pool = stack.enter_context(ThreadPoolExecutor(2))
            first = pool.submit(whole, client, max_tokens=40)
            work.wait_for(1)
            second = pool.submit(whole, client)
            eventually(server, "ondol_requests_waiting", 1)
            with pytest.raises(openai.RateLimitError) as refused:
                client.chat.completions.create(**chat_body())
        assert 1 <= int(refused.value.response.headers["retry-after"]) <= 600
        assert refused.value.code == "queue_full"
        assert first.result().usage and second.result().usage


def test_who_waits_too_long_is_sent_away(talker: Bundle) -> None:
    settings = ServerSettings(port=0, queue_seconds=0.05)
    with serving(talker, settings) as (server, assistant), client_of(server) as client:
        with unhurried(assistant, 0.02) as work, ThreadPoolExecutor(1) as pool:
            first = pool.submit(whole, client, max_tokens=40)
            work.wait_for(1)
            with pytest.raises(openai.RateLimitError):
                client.chat.completions.create(**chat_body())
        assert first.result().usage


def test_a_reply_that_takes_too_long_is_cut_and_says_so(talker: Bundle) -> None:
    with (
        serving(talker, ServerSettings(port=0, reply_seconds=0.3)) as (server, assistant),
        client_of(server) as client,
        unhurried(assistant, 0.05),
    ):
        said = client.chat.completions.create(**chat_body(max_tokens=400))
    assert said.choices[0].finish_reason == "length"
    assert said.model_dump()["ondol"]["finish"] == "time"


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_vanishes_ends_its_reply_within_a_token(talker: Bundle, stream: bool) -> None:
    with serving(talker) as (server, assistant), unhurried(assistant, 0.05) as work:
        asking = raw_chat(server, max_tokens=400, stream=stream)
        work.wait_for(4)
        asking.close()
        assert eventually(server, CANCELLED, 1)["ondol_replies_running"] == 0
        runs = work.runs
        time.sleep(0.3)  # six tokens' time
        assert work.runs <= runs + 1
        with client_of(server) as client:  # and the next is answered
            assert client.chat.completions.create(**chat_body(max_tokens=2)).usage


def test_a_client_that_vanishes_from_the_queue_leaves_nothing(talker: Bundle) -> None:
    settings = ServerSettings(port=0)
    with serving(talker, settings) as (server, assistant), unhurried(assistant, 0.05) as work:
        first = raw_chat(server, max_tokens=400)
        work.wait_for(1)
        second = raw_chat(server, max_tokens=400)
        eventually(server, "ondol_requests_waiting", 1)
        second.close()
        eventually(server, "ondol_requests_waiting", 0)
        first.close()
        assert eventually(server, "ondol_replies_running", 0)[CANCELLED] == 1


def test_a_slow_reader_holds_nobody_up_and_is_dropped(talker: Bundle) -> None:
    settings = ServerSettings(port=0, write_seconds=0.3)
    with serving(talker, settings) as (server, _), ExitStack() as stack:
        server._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        asking = stack.enter_context(raw_chat(server, small=True, max_tokens=460, stream=True))
        read = asking.recv(1)
        with client_of(server) as client:
            assert client.chat.completions.create(**chat_body()).usage
        wanted = 'ondol_requests_total{path="/v1/chat/completions",status="200"}'
        eventually(server, wanted, 2)
        while more := asking.recv(1 << 16):
            read += more
    assert read.startswith(b"HTTP/1.1 200") and b"[DONE]" not in read


def test_closing_the_server_ends_what_is_under_way(talker: Bundle) -> None:
    with serving(talker) as (server, assistant), unhurried(assistant, 0.05) as work:
        asking = raw_chat(server, max_tokens=400, stream=True)
        work.wait_for(1)
        asking.close()
    with client_of(server) as client, pytest.raises(openai.APIConnectionError):
        client.models.list()


def whole(client: openai.OpenAI, **changes: object) -> ChatCompletion:
    """An answer that is not streamed."""
    said = client.chat.completions.create(**chat_body(**changes))
    assert isinstance(said, ChatCompletion)
    return said


def raw_chat(server: Server, *, small: bool = False, **changes: object) -> socket.socket:
    """A connection that has asked and reads nothing by itself."""
    place = urlsplit(server.url)
    asking = socket.socket()
    if small:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    asking.settimeout(60)
    asking.connect((place.hostname, place.port))
    body = json.dumps(chat_body(**changes)).encode()
    asking.sendall(
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {server.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    return asking
