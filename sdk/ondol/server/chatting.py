"""POST /v1/chat/completions: what is asked, and the answer whole or piece by piece."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ondol.assistant import Assistant
from ondol.reply import Finish, Limits, Reply
from ondol.sampling import Sampling
from ondol.server.connection import ClientGone, left, while_there
from ondol.server.job import Job
from ondol.server.problems import invalid, problem_of
from ondol.session import CONTINUATION_TOKENS
from ondol.template import Message

LABEL_HEADER = "Ondol-AI-Label"
"""Tells machines that AI wrote a response's text: the label as JSON in ASCII."""

COMPLETE = (Finish.END, Finish.STOP, Finish.COMPLETE)
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a client asks for."""

    model: str
    turns: tuple[Message, ...]
    sampling: Sampling
    limits: Limits
    stream: bool
    usage_in_stream: bool

    @classmethod
    def of(cls, data: Mapping[str, Any], usual: Sampling, seconds: float) -> "ChatRequest":
        """From JSON that fits `shapes.CHAT`; `usual` where the client says nothing.

        Raises:
            Problem: if two fields contradict each other.
        """
        most, newer = data.get("max_tokens"), data.get("max_completion_tokens")
        if most is not None and newer is not None and most != newer:
            raise invalid("max_completion_tokens", f"{newer} ≠ max_tokens {most}")
        stop = data.get("stop") or ()
        most = newer if most is None else most
        return cls(
            data["model"],
            tuple(_message(one) for one in data["messages"]),
            _sampling(data, usual),
            Limits(
                None if most is None else int(most),
                (stop,) if isinstance(stop, str) else tuple(stop),
                seconds,
            ),
            bool(data.get("stream")),
            bool((data.get("stream_options") or {}).get("include_usage")),
        )


def begin(assistant: Assistant, asked: ChatRequest) -> Reply:
    """Start the reply to a request; blocks while the prompt is put together.

    Raises:
        OndolError: if the prompt cannot be answered, or the device cannot be used.
    """
    told = asked.turns[0].role == "system"
    talk = assistant.conversation("" if told else None)
    limits = asked.limits
    if not talk.chats and limits.max_tokens is None:
        limits = Limits(CONTINUATION_TOKENS, limits.stop, limits.seconds)
    return talk.engine.reply(talk.prompt(asked.turns), asked.sampling, limits)


async def answered(
    job: Job, asked: ChatRequest, receive: Receive, write_seconds: float
) -> Response:
    """The response to a request; of a stream once its first piece is there.

    Args:
        job: what makes the reply.
        asked: the request.
        receive: the client's connection.
        write_seconds: how long it may leave a piece unread.

    Raises:
        ClientGone: if the client left before; the reply ends within a token.
        Problem, OndolError: if there is no reply.
    """
    pieces = job.pieces()
    completion = Completion(asked.model)
    try:
        if asked.stream:
            first = await while_there(receive, _first(pieces))
            usage = asked.usage_in_stream
            return EventStream(job, first, pieces, completion, usage, write_seconds)
        await while_there(receive, _drained(pieces))
        return JSONResponse(completion.whole(job.reply), headers=completion.headers(job.reply))
    except BaseException:
        job.cancel()
        raise


async def _first(pieces: AsyncIterator[str]) -> str:
    """The first piece; "" of a reply that says nothing."""
    return await anext(pieces, "")


async def _drained(pieces: AsyncIterator[str]) -> None:
    async for _ in pieces:
        pass


class Completion:
    """The JSON objects of one response."""

    def __init__(self, model: str) -> None:
        self._common = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": model,
        }

    def headers(self, reply: Reply) -> dict[str, str]:
        """The label, for whoever reads headers alone."""
        return {LABEL_HEADER: json.dumps(asdict(reply.label))}

    def whole(self, reply: Reply) -> dict[str, Any]:
        """The whole response."""
        message = {"role": "assistant", "content": reply.text, "refusal": None}
        choice = {
            "index": 0,
            "message": message,
            "finish_reason": finish_reason(reply),
            "logprobs": None,
        }
        kind = {"object": "chat.completion"}
        more = {"choices": [choice], "usage": _usage(reply), "ondol": _about(reply)}
        return self._common | kind | more

    def chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        """One piece of a stream."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return self._common | {"object": "chat.completion.chunk", "choices": [choice]}

    def last(self, reply: Reply) -> dict[str, Any]:
        """The chunk that says why it ended, with the label."""
        return self.chunk({}, finish_reason(reply)) | {"ondol": _about(reply)}

    def usage(self, reply: Reply) -> dict[str, Any]:
        """The chunk that `stream_options.include_usage` asks for."""
        return self.chunk({}) | {"choices": [], "usage": _usage(reply)}


class EventStream(Response):
    """A reply as server-sent events. It ends when the client is gone, and the reply with it."""

    media_type = "text/event-stream"

    def __init__(
        self,
        job: Job,
        first: str,
        rest: AsyncIterator[str],
        completion: Completion,
        usage: bool,
        write_seconds: float,
    ) -> None:
        super().__init__(headers=completion.headers(job.reply) | {"Cache-Control": "no-store"})
        del self.headers["content-length"]
        self._job = job
        self._first = first
        self._rest = rest
        self._completion = completion
        self._usage = usage
        self._write_seconds = write_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        deliver = asyncio.create_task(self._deliver(send))
        watch = asyncio.create_task(left(receive))
        try:
            await asyncio.wait({deliver, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not deliver.done():
                raise ClientGone
            deliver.result()
        except (TimeoutError, OSError) as exc:
            raise ClientGone from exc
        finally:
            self._job.cancel()
            deliver.cancel()
            watch.cancel()
            await asyncio.gather(deliver, watch, return_exceptions=True)

    async def _deliver(self, send: Send) -> None:
        async def write(kind: str, **fields: Any) -> None:
            async with asyncio.timeout(self._write_seconds):
                await send({"type": kind, **fields})

        async def event(data: Mapping[str, Any]) -> None:
            text = json.dumps(data, ensure_ascii=False)
            await write("http.response.body", body=f"data: {text}\n\n".encode(), more_body=True)

        await write("http.response.start", status=self.status_code, headers=self.raw_headers)
        made = self._completion
        await event(made.chunk({"role": "assistant", "content": self._first}))
        try:
            async for piece in self._rest:
                await event(made.chunk({"content": piece}))
        except Exception as exc:  # the status is sent already: clients read this as an error
            if isinstance(exc, TimeoutError):
                raise
            await event(problem_of(exc).body())
        else:
            await event(made.last(self._job.reply))
            if self._usage:
                await event(made.usage(self._job.reply))
        await write("http.response.body", body=DONE, more_body=False)


def finish_reason(reply: Reply) -> str:
    """Why it ended, in OpenAI's words: "length" for all that is cut short."""
    return "stop" if reply.finish in COMPLETE else "length"


def _usage(reply: Reply) -> dict[str, Any]:
    prompt, said = reply.stats.prompt_tokens, len(reply.ids)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": said,
        "total_tokens": prompt + said,
        "prompt_tokens_details": {"cached_tokens": reply.stats.reused_tokens},
    }


def _about(reply: Reply) -> dict[str, Any]:
    """What OpenAI's API has no place for: why it ended exactly, and the AI label."""
    export = reply.export()
    return {
        "finish": str(reply.finish),
        "label": json.loads(export.metadata),
        "mark": export.label.mark(export.language),
    }


def _message(data: Mapping[str, Any]) -> Message:
    content = data.get("content") or ""
    if isinstance(content, list):
        content = "".join(part["text"] for part in content)
    role = "system" if data["role"] == "developer" else data["role"]
    return Message(role, content, name=data.get("name"))


def _sampling(data: Mapping[str, Any], usual: Sampling) -> Sampling:
    def told(name: str, default: Any) -> Any:
        value = data.get(name)
        return default if value is None else value

    seed = data.get("seed")
    return Sampling(
        told("temperature", usual.temperature),
        int(told("top_k", usual.top_k)),
        max(told("top_p", usual.top_p), 1e-6),  # 0 is the likeliest token alone
        told("min_p", usual.min_p),
        told("repetition_penalty", usual.repetition_penalty),
        None if seed is None else int(seed),
    )
