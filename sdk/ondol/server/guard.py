"""What stands before every request: who asks, by which name, and an answer whatever happens."""

import hmac

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route, Router
from starlette.types import Message, Receive, Scope, Send

from ondol import log
from ondol.errors import OndolError
from ondol.language import say
from ondol.server.connection import ClientGone
from ondol.server.metrics import Metrics
from ondol.server.problems import AUTHENTICATION, INVALID, Problem, problem_of
from ondol.server.settings import ServerSettings

logger = log.logger(__name__)

OPEN = frozenset({"/health"})
"""Paths that need no token: they tell nothing but that somebody listens."""

HEADERS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))

NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
"""By which names this machine may be called by itself, so that no web page can rebind one."""


class Guard:
    """An ASGI application around another.

    CORS stays closed: no `Access-Control-` header is ever sent, so web pages read nothing.
    """

    def __init__(
        self, router: Router, settings: ServerSettings, token: str, metrics: Metrics
    ) -> None:
        self._router = router
        self._settings = settings
        self._token = token.encode("ascii")
        self._paths = {route.path for route in router.routes if isinstance(route, Route)}
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        try:
            self._admit(scope)
            scope["app"] = self  # so that the router raises what it refuses
            await self._router(scope, receive, watched)
        except ClientGone:
            status = status or 499
        except Exception as exc:  # whatever it is, the client gets an answer in its shape
            if not isinstance(exc, Problem | OndolError | HTTPException):
                logger.error("%s %s: %s", scope["method"], self._path(scope), type(exc).__name__)
            if status:
                raise
            problem = _unroutable(exc, scope) if isinstance(exc, HTTPException) else problem_of(exc)
            response = JSONResponse(problem.body(), problem.status, problem.headers)
            await response(scope, receive, watched)
        finally:
            self._metrics.request(self._path(scope), status)

    def _path(self, scope: Scope) -> str:
        """The route; others than ours are one, so that strangers fill no table."""
        path: str = scope["path"]
        return path if path in self._paths else "other"

    def _admit(self, scope: Scope) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if not self._settings.remote and _name(host) not in {*NAMES, self._settings.host}:
            raise Problem(
                421,
                INVALID,
                "unknown_host",
                say("The server is not called that.", "이 서버의 이름이 아닙니다."),
                f"Host: {host[:80] or '-'}",
                f"http://{self._settings.host}",
            )
        if not self._token or scope["path"] in OPEN:
            return
        scheme, _, shown = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(shown.strip(), self._token):
            raise Problem(
                401,
                AUTHENTICATION,
                "invalid_api_key",
                say("The token is missing or wrong.", "토큰이 없거나 틀립니다."),
                say(
                    "The server printed it when it was started.",
                    "서버를 시작할 때 출력한 토큰이 필요합니다.",
                ),
                "Authorization: Bearer TOKEN",
                headers={"WWW-Authenticate": "Bearer"},
            )


def _name(host: str) -> str:
    """A `Host` header without its port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and not host.endswith("]") else host


def _unroutable(exc: HTTPException, scope: Scope) -> Problem:
    """Paths and methods that there are not."""
    return Problem(
        exc.status_code,
        INVALID,
        "not_found",
        say("There is no such path or method.", "그런 경로나 메서드는 없습니다."),
        f"{scope['method'][:20]} {scope['path'][:80]}",
        say("See /openapi.json for what there is.", "있는 것은 /openapi.json을 보세요."),
        headers=dict(exc.headers or {}),
    )
