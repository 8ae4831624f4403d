"""What a server keeps to: where it listens, who may ask, and how much."""

import ipaddress
import math
from dataclasses import dataclass

from ondol.errors import OptionError
from ondol.language import say

LOOPBACK_NAMES = ("localhost",)


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Limits of one server; times in seconds.

    Attributes:
        host: an address of this machine, or "localhost"; others want `allow_remote`.
        port: 0: whichever is free.
        allow_remote: the word that others on the network may ask. Nothing is encrypted.
        token: what every request shows as `Authorization: Bearer TOKEN`; None: one is made;
            "": nobody is asked for one, which remote servers refuse.
        queue: requests that wait while another is answered; one more is refused with 429.
        queue_seconds: how long one waits before it is refused with 429.
        reply_seconds: how long one reply may take from its first token's turn on.
        read_seconds: how long a client may take to send its request.
        write_seconds: how long a client may leave a piece unread before it counts as gone.
        body_bytes: the longest request.
        connections: open at once; one more is refused with 503.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    allow_remote: bool = False
    token: str | None = None
    queue: int = 64
    queue_seconds: float = 120.0
    reply_seconds: float = 300.0
    read_seconds: float = 20.0
    write_seconds: float = 30.0
    body_bytes: int = 1 << 20
    connections: int = 256

    def __post_init__(self) -> None:
        for name, low, high in (
            ("port", 0, 65535),
            ("queue", 0, 10_000),
            ("queue_seconds", 0.001, 86_400),
            ("reply_seconds", 0.001, 86_400),
            ("read_seconds", 0.001, 86_400),
            ("write_seconds", 0.001, 86_400),
            ("body_bytes", 1, 1 << 30),
            ("connections", 1, 65_536),
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise OptionError(
                    say(
                        f"{name} cannot be {value}.",
                        f"{name} 값으로 {value}을(를) 쓸 수 없습니다.",
                    ),
                    say(f"It runs from {low} to {high}.", f"{low}에서 {high}까지입니다."),
                )
        self._check_host()
        self._check_token()

    @property
    def remote(self) -> bool:
        """Whether others than this machine can reach it."""
        return not _loopback(self.host)

    def _check_host(self) -> None:
        if self.remote and not self.allow_remote:
            raise OptionError(
                say(
                    f"{self.host} can be reached from other machines.",
                    f"{self.host}은(는) 다른 기기에서도 접속할 수 있는 주소입니다.",
                ),
                say(
                    "A server listens on this machine alone unless it is told otherwise; "
                    "what it sends is not encrypted.",
                    "따로 허락하지 않으면 이 기기에서만 접속할 수 있습니다. 전송 내용은 "
                    "암호화되지 않습니다.",
                ),
                say(
                    "Leave out --host, or add --allow-remote on a network you trust.",
                    "--host를 빼거나, 믿을 수 있는 네트워크라면 --allow-remote를 붙이세요.",
                ),
            )

    def _check_token(self) -> None:
        token = self.token
        if token == "" and self.remote:
            raise OptionError(
                say(
                    "A server that others can reach needs a token.",
                    "다른 기기에서 접속할 수 있는 서버에는 토큰이 필요합니다.",
                ),
                say("Anybody could ask it otherwise.", "토큰이 없으면 누구나 쓸 수 있습니다."),
                say("Leave out --no-token.", "--no-token을 빼세요."),
            )
        if token and (len(token) < 16 or not token.isascii() or not token.isprintable()):
            raise OptionError(
                say("This token cannot be used.", "쓸 수 없는 토큰입니다."),
                say(
                    "It is shorter than 16 characters, or not plain ASCII.",
                    "16자보다 짧거나 ASCII 글자가 아닌 것이 들어 있습니다.",
                ),
                say("Leave it out: one is made.", "빼면 새로 만듭니다."),
            )


def _loopback(host: str) -> bool:
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
