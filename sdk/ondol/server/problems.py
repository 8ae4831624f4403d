"""What goes wrong, in the shape of OpenAI's errors: a status, a type, a code, and our sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ondol import errors
from ondol.errors import OndolError
from ondol.language import say

INVALID, AUTHENTICATION, RATE, SERVER = (
    "invalid_request_error",
    "authentication_error",
    "rate_limit_error",
    "server_error",
)


@dataclass(eq=False)
class Problem(Exception):
    """A request that is refused, or a reply that broke off.

    `param` names the field that is wrong; `headers` go out with the response.
    """

    status: int
    type: str
    code: str
    what: str
    why: str = ""
    fix: str = ""
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, object]:
        """The JSON object of the response."""
        said = {"what": self.what, "why": self.why, "fix": self.fix}
        message = " ".join(line for line in said.values() if line)
        known = {"message": message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": {**known, **said}}


KINDS: tuple[tuple[type[OndolError], int, str, str], ...] = (
    (errors.ContextFull, 400, INVALID, "context_length_exceeded"),
    (errors.GenerationError, 400, INVALID, "invalid_prompt"),
    (errors.OptionError, 400, INVALID, "invalid_value"),
    (errors.PolicyForbids, 403, INVALID, "forbidden_by_policy"),
    (errors.MissingExtra, 501, INVALID, "not_installed"),
    (errors.DeviceError, 503, SERVER, "device_error"),
)
"""Our errors as a client sees them; the first that fits counts."""


def problem_of(exc: BaseException) -> Problem:
    """What an exception is to a client; one that nobody foresaw tells its kind alone."""
    if isinstance(exc, Problem):
        return exc
    if isinstance(exc, OndolError):
        for kind, status, type_, code in KINDS:
            if isinstance(exc, kind):
                return Problem(status, type_, code, exc.what, exc.why, exc.fix)
        return Problem(500, SERVER, "internal_error", exc.what, exc.why, exc.fix)
    return Problem(
        500,
        SERVER,
        "internal_error",
        say("The server did not expect this.", "서버가 예상하지 못한 일입니다."),
        type(exc).__name__,
        say("Ask again; if it comes back, report it.", "다시 해 보고, 되풀이되면 알려 주세요."),
    )


def invalid(param: str | None, why: str, code: str = "invalid_value") -> Problem:
    """A request that cannot be meant: 400."""
    where = f" ({param})" if param else ""
    return Problem(
        400,
        INVALID,
        code,
        say(f"The request cannot be understood{where}.", f"이해할 수 없는 요청입니다{where}."),
        why,
        say("See /openapi.json for what is taken.", "받을 수 있는 형식은 /openapi.json을 보세요."),
        param,
    )


def unknown_model(name: str, known: tuple[str, ...]) -> Problem:
    """A model that is not served: 404."""
    listed = ", ".join(known)
    return Problem(
        404,
        INVALID,
        "model_not_found",
        say(f"No model {name!r:.80} is served.", f"{name!r:.80} 모델은 제공하지 않습니다."),
        say(f"Served for this: {listed or '-'}", f"여기에 쓸 수 있는 모델: {listed or '-'}"),
        say("List them: GET /v1/models", "목록 보기: GET /v1/models"),
        "model",
    )


def crowded(retry_seconds: int) -> Problem:
    """More requests than may wait: 429."""
    return Problem(
        429,
        RATE,
        "queue_full",
        say("Too many requests are waiting.", "기다리는 요청이 너무 많습니다."),
        say("One model answers them in turn.", "모델 하나가 차례로 답합니다."),
        say(
            f"Ask again in {retry_seconds} s.",
            f"{retry_seconds}초 뒤에 다시 요청하세요.",
        ),
        headers={"Retry-After": str(retry_seconds)},
    )
