"""POST /v1/chat/completions: what is asked, and the answer whole or piece by piece."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ondol.reply import Reply
from ondol.server.asking import Asking, Said
from ondol.server.chat_request import ChatRequest
from ondol.server.connection import ClientGone, left, while_there
from ondol.server.job import Job
from ondol.server.problems import problem_of

LABEL_HEADER = "Ondol-AI-Label"
"""Tells machines that AI wrote a response's text: the label as JSON in ASCII."""

DONE = b"data: [DONE]\n\n"


async def answered(
    job: Job, asking: Asking, asked: ChatRequest, receive: Receive, write_seconds: float
) -> Response:
    """The response to a request; of a stream once its first piece is there.

    Args:
        job: what makes the reply.
        asking: what reads it when it has ended.
        asked: the request.
        receive: the client's connection.
        write_seconds: how long it may leave a piece unread.

    Raises:
        ClientGone: if the client left before; the reply ends within a token.
        Problem, OndolError: if there is no reply.
    """
    pieces = job.pieces()
    completion = Completion(asked.model, asking)
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

    def __init__(self, model: str, asking: Asking) -> None:
        self._asking = asking
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
        said = self._asking.said(reply)
        choice = {
            "index": 0,
            "message": said.message,
            "finish_reason": said.finish_reason,
            "logprobs": None,
        }
        kind = {"object": "chat.completion"}
        more = {"choices": [choice], "usage": _usage(reply), "ondol": _about(reply)}
        return self._common | kind | more

    def chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        """One piece of a stream."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return self._common | {"object": "chat.completion.chunk", "choices": [choice]}

    def piece(self, text: str) -> dict[str, Any] | None:
        """The chunk of a piece; None where pieces say nothing before all are there."""
        return None if self._asking.whole else self.chunk({"content": text})

    def last(self, reply: Reply) -> list[dict[str, Any]]:
        """The chunks that end a stream: why it ended, with the label; before that, calls."""
        said: Said = self._asking.said(reply)
        made = []
        if self._asking.whole:
            delta = {key: said.message[key] for key in ("content",) if said.message[key]}
            calls = enumerate(said.message.get("tool_calls", ()))
            listed = [{"index": index, **call} for index, call in calls]
            made.append(self.chunk(delta | ({"tool_calls": listed} if listed else {})))
        return [*made, self.chunk({}, said.finish_reason) | {"ondol": _about(reply)}]

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

        async def tell(piece: str) -> None:
            chunk = self._completion.piece(piece)
            if chunk is not None:
                await event(chunk)

        await write("http.response.start", status=self.status_code, headers=self.raw_headers)
        made = self._completion
        await event(made.chunk({"role": "assistant", "content": ""}))
        try:
            await tell(self._first)
            async for piece in self._rest:
                await tell(piece)
        except Exception as exc:  # the status is sent already: clients read this as an error
            if isinstance(exc, TimeoutError):
                raise
            await event(problem_of(exc).body())
        else:
            for chunk in made.last(self._job.reply):
                await event(chunk)
            if self._usage:
                await event(made.usage(self._job.reply))
        await write("http.response.body", body=DONE, more_body=False)


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
