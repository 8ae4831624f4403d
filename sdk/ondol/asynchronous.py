"""Replies for asyncio: the blocking engine in a thread of its own, asked for a piece at a time.

Nothing is computed that nobody waits for, so a slow reader holds the model back and not memory.
A task that is cancelled cancels its reply, which then ends within a token. asyncio brings sockets
along, so only those who await import it.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ondol.reply import Reply

Start = Callable[[], "Reply"]
"""Begins a reply; may block, such as while a bundle is opened."""


async def read(start: Start) -> "Reply":
    """A reply that has ended; errors as of `start` and of reading it."""
    import asyncio

    async with _at_work(start) as (reply, pool):
        await asyncio.get_running_loop().run_in_executor(pool, reply.read)
        return reply


async def pieces(start: Start) -> AsyncGenerator[str, None]:
    """A reply's text, piece by piece; errors as of `start` and of iterating it."""
    import asyncio

    loop = asyncio.get_running_loop()
    async with _at_work(start) as (reply, pool):
        while (piece := await loop.run_in_executor(pool, next, reply, None)) is not None:
            yield piece


@asynccontextmanager
async def _at_work(start: Start) -> AsyncIterator[tuple["Reply", ThreadPoolExecutor]]:
    import asyncio

    pool = ThreadPoolExecutor(1, "ondol-reply")
    begun = pool.submit(copy_context().run, start)
    try:
        yield await asyncio.wrap_future(begun), pool
    finally:
        if _made(begun):  # while it runs: what is queued comes too late
            begun.result().cancel()
        pool.submit(_end, begun)
        pool.shutdown(wait=False)


def _end(begun: "Future[Reply]") -> None:
    """Let a reply that nobody reads on come to its end; one that has ended stays as it is."""
    if _made(begun):
        begun.result().cancel()
        begun.result().read()


def _made(begun: "Future[Reply]") -> bool:
    return begun.done() and not begun.cancelled() and begun.exception() is None
