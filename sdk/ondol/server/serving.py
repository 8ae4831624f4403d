"""A server: a model of this machine behind OpenAI's API, in a thread or until Ctrl-C."""

import secrets
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ondol.assistant import Assistant
from ondol.errors import MissingExtra, OptionError
from ondol.language import say
from ondol.server.settings import ServerSettings

if TYPE_CHECKING:
    import uvicorn

    from ondol.encoder import Encoder

PACKAGES = ("starlette", "uvicorn")
BACKLOG = 128


class Server:
    """An assistant behind OpenAI's API.

        with Assistant() as assistant, Server(assistant) as server:
            client = openai.OpenAI(base_url=server.url, api_key=server.token)

    It listens as soon as it is made. Nothing is logged of what is asked or answered.

    Args:
        assistant: who answers, opened now; it stays the caller's and is closed after the server.
        encoder: who makes vectors for `/v1/embeddings`; it stays the caller's.
        settings: where it listens and how much it takes; None: the defaults.

    Attributes:
        url: the address that clients take as `base_url`.
        token: what they take as `api_key`.

    Raises:
        MissingExtra: if starlette or uvicorn is not installed.
        OptionError: if the address cannot be had.
        BundleError, DeviceError: if the model cannot be opened.
    """

    def __init__(
        self,
        assistant: Assistant,
        encoder: "Encoder | None" = None,
        settings: ServerSettings | None = None,
    ) -> None:
        _check_packages()
        from ondol.server.app import application

        self.settings = settings or ServerSettings()
        token = self.settings.token
        self.token = secrets.token_urlsafe(32) if token is None else token
        self._pool = ThreadPoolExecutor(1, "ondol-model")
        app = application(assistant, encoder, self._pool, self.settings, self.token)
        self._socket = _listening(self.settings.host, self.settings.port)
        self.url = _url(self._socket)
        self._server = _uvicorn(app, self.settings)
        self._thread: threading.Thread | None = None

    def run(self) -> None:
        """Answer until Ctrl-C, in this thread.

        Raises:
            KeyboardInterrupt: once what was under way has ended.
        """
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()
            self._pool.shutdown()  # the token that is being made, if any

    def start(self) -> None:
        """Answer in a thread of its own until `close`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self.run, name="ondol-server", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop answering; replies under way get 5 seconds."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


def _check_packages() -> None:
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        names = ", ".join(missing)
        raise MissingExtra(
            say("The server is not installed.", "서버가 설치되어 있지 않습니다."),
            say(f"It needs {names}.", f"{names}이(가) 필요합니다."),
            'pip install "ondol[server]"',
        )


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as exc:
        raise OptionError(
            say(
                f"The server cannot listen on {host}, port {port}.",
                f"{host}의 {port}번 포트에서 서버를 열 수 없습니다.",
            ),
            exc.strerror or str(exc),
            say(
                "Choose another: --port 0 takes one that is free.", "--port 0이면 빈 포트를 씁니다."
            ),
        ) from exc


def _uvicorn(app: object, settings: ServerSettings) -> "uvicorn.Server":
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type]
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=settings.connections,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=5,
        )
    )
