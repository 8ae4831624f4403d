"""Who may ask: the token, the name, and what web pages are let see; malformed requests."""

import http.client
import json
import logging
from urllib.parse import urlsplit

import pytest

from ondol.bundle import Bundle
from ondol.errors import OptionError
from ondol.server.serving import Server
from ondol.server.settings import ServerSettings
from serving import SECRET, chat_body, counts, serving, web

CHAT = "/v1/chat/completions"


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", "Basic {token}", "{token}"])
@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/openapi.json", "/nowhere"])
def test_nothing_is_told_without_the_token(server: Server, shown: str, path: str) -> None:
    with web(server, Authorization=shown.format(token=server.token)) as asking:
        answer = asking.get(path)
    assert answer.status_code == 401 and answer.json()["error"]["code"] == "invalid_api_key"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_tokens_are_long_and_differ(talker: Bundle, server: Server) -> None:
    with serving(talker) as (other, _):
        assert len(server.token) >= 40 and server.token != other.token
        with web(other, Authorization=f"Bearer {server.token}") as asking:
            assert asking.get("/v1/models").status_code == 401
            assert asking.get("/health").json() == {"status": "ok"}


def test_no_token_is_asked_for_where_there_is_none(talker: Bundle) -> None:
    with (
        serving(talker, ServerSettings(port=0, token="")) as (server, _),
        web(server, Authorization="") as asking,
    ):
        assert asking.get("/v1/models").status_code == 200


def test_web_pages_are_let_see_nothing(server: Server) -> None:
    with web(server, Origin="https://example.org") as asking:
        asked = asking.options(CHAT, headers={"Access-Control-Request-Method": "POST"})
        plain = asking.post(CHAT, content=json.dumps(chat_body()))  # needs no preflight
        open_ = asking.get("/v1/models")
        rebound = asking.get("/v1/models", headers={"Host": "evil.example:8080"})
    assert asked.status_code == 405 and plain.status_code == 415 and rebound.status_code == 421
    for answer in (asked, plain, open_, rebound):
        assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b'{"model": NaN}', "invalid_json"),
        (b"[" * 200_000, "invalid_json"),
        (b'{"model": "\\ud800", "messages": []}', "invalid_json"),
        (b"1" * 5000, "invalid_json"),
        (b"[]", "invalid_type"),
        (b"{}", "missing_required_parameter"),
        (b'{"model": "talker", "messages": [], "a": 1}', "invalid_value"),
    ],
)
def test_malformed_bodies_are_named(server: Server, body: bytes, code: str) -> None:
    with web(server) as asking:
        answer = asking.post(CHAT, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400 and answer.json()["error"]["code"] == code


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"seed": 1.5}, "seed"),
        ({"stop": ["a", ""]}, "stop[1]"),
        ({"n": True}, "n"),
        ({"max_completion_tokens": 9}, "max_completion_tokens"),
        ({"logit_bias": {"1": 2}}, "logit_bias"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, None),
        ({"messages": [{"role": "user", "content": "a"}] * 1001}, "messages"),
    ],
)
def test_what_is_not_meant_is_named(
    server: Server, changes: dict[str, object], param: str | None
) -> None:
    with web(server) as asking:
        answer = asking.post(CHAT, json=chat_body(**changes))
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error["param"] == param or (param is None and error["param"].startswith("messages[0]"))


def test_long_and_slow_requests_are_cut_off(talker: Bundle) -> None:
    settings = ServerSettings(port=0, body_bytes=1000, read_seconds=0.2)
    with serving(talker, settings) as (server, _):
        with web(server) as asking:
            assert asking.post(CHAT, json=chat_body(user="x" * 1000)).status_code == 413
        place = urlsplit(server.url)
        slow = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        slow.putrequest("POST", CHAT)
        for name, value in (
            ("Authorization", f"Bearer {server.token}"),
            ("Content-Type", "application/json"),
            ("Content-Length", "500"),
        ):
            slow.putheader(name, value)
        slow.endheaders(b'{"model"')
        assert slow.getresponse().status == 408
        slow.close()


def test_no_log_holds_what_was_asked(
    server: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with web(server) as asking:
        asking.post(CHAT, json=chat_body())
        asking.post(CHAT, json=chat_body(model="x"))
        asking.get("/metrics", params={"q": SECRET})
        seen = asking.get("/metrics").text
    ours = [record for record in caplog.records if not record.name.startswith("http")]
    out, err = capfd.readouterr()
    told = "\n".join([*(record.getMessage() for record in ours), out, err, seen])
    assert SECRET not in told and server.token not in told


def test_counts_are_by_route_and_status(server: Server) -> None:
    before = counts(server)
    with web(server) as asking:
        usage = asking.post(CHAT, json=chat_body()).json()["usage"]
        asking.get("/v1/비밀")
    after = counts(server)

    def more(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert more(f'ondol_requests_total{{path="{CHAT}",status="200"}}') == 1
    assert more('ondol_requests_total{path="other",status="404"}') == 1
    assert more('ondol_tokens_total{kind="completion"}') == usage["completion_tokens"]
    assert more('ondol_tokens_total{kind="prompt"}') == usage["prompt_tokens"]
    assert after["ondol_replies_running"] == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"host": "0.0.0.0"},
        {"host": "::"},
        {"host": "example.org"},
        {"host": "0.0.0.0", "allow_remote": True, "token": ""},
        {"token": "short"},
        {"token": "한글로 된 토큰은 머리글에 들어가지 않는다"},
        {"port": 70000},
        {"queue": -1},
        {"queue_seconds": float("nan")},
    ],
)
def test_settings_that_would_be_unsafe_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        ServerSettings(**fields)  # type: ignore[arg-type]


def test_a_port_that_is_taken_is_said(talker: Bundle, server: Server) -> None:
    taken = urlsplit(server.url).port or 0
    with (
        pytest.raises(OptionError, match=str(taken)),
        serving(talker, ServerSettings(port=taken)),
    ):
        pass
