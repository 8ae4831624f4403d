"""One client's connection: its request read within limits, and noticed when it is gone."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from ondol.language import say
from ondol.server.checking import check, parsed
from ondol.server.problems import INVALID, Problem
from ondol.server.settings import ServerSettings

Result = TypeVar("Result")


class ClientGone(Exception):
    """Nobody is there to be answered."""


async def read_json(request: Request, schema: dict[str, Any], settings: ServerSettings) -> Any:
    """A request's body that fits a schema, its texts in NFC.

    Raises:
        Problem: if it is no JSON, too long, too slow, or does not fit.
        ClientGone: if the client left while it was sending.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(
            415,
            INVALID,
            "unsupported_media_type",
            say("The body is not sent as JSON.", "본문이 JSON으로 오지 않았습니다."),
            f"Content-Type: {kind[:80] or '-'}",
            "Content-Type: application/json",
        )
    try:
        async with asyncio.timeout(settings.read_seconds):
            body = await _body(request, settings.body_bytes)
    except TimeoutError as exc:
        raise Problem(
            408,
            INVALID,
            "request_timeout",
            say("The request came too slowly.", "요청이 너무 느리게 왔습니다."),
            f"> {settings.read_seconds:g} s",
            say("Send it again.", "다시 보내세요."),
        ) from exc
    except ClientDisconnect as exc:
        raise ClientGone from exc
    data = parsed(body)
    check(data, schema)
    return data


async def _body(request: Request, most: int) -> bytes:
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > most:
            raise Problem(
                413,
                INVALID,
                "request_too_large",
                say("The request is too long.", "요청이 너무 깁니다."),
                f"> {most} bytes",
                say("Send less text.", "글을 줄여 보내세요."),
            )
    return bytes(read)


async def left(receive: Receive) -> None:
    """Return once the client has left; of a request whose body was read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def while_there(receive: Receive, work: Awaitable[Result]) -> Result:
    """Await work for a client; it is cancelled when the client leaves.

    Raises:
        ClientGone: if the client left first.
    """
    task = asyncio.ensure_future(work)
    watch = asyncio.create_task(left(receive))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGone
        return task.result()
    finally:
        task.cancel()
        watch.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)
