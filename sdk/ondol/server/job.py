"""A reply in the making for one client: the model never waits for a slow reader."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

from ondol.reply import Reply
from ondol.server.admission import Places
from ondol.server.metrics import Metrics


class Job:
    """Waits for a place, makes the reply, and keeps its pieces until they are read.

    What it keeps is one reply, no longer than the context. Its place is free as soon as the reply
    has ended, however slowly the pieces are read; `cancel` ends it within a token.

    Args:
        start: begins the reply; may block.
        pool: the one thread that the model runs in.
        places: who comes first.
        metrics: told of the reply when it has ended.
    """

    def __init__(
        self,
        start: Callable[[], Reply],
        pool: ThreadPoolExecutor,
        places: Places,
        metrics: Metrics,
    ) -> None:
        self._start = start
        self._pool = pool
        self._places = places
        self._metrics = metrics
        self._reply: Reply | None = None
        self._made: asyncio.Queue[str | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(_seen)

    @property
    def reply(self) -> Reply:
        """The reply; there once a piece has come or the job has ended well."""
        if self._reply is None:
            raise RuntimeError("no reply was begun")
        return self._reply

    def cancel(self) -> None:
        """End it within a token; nothing is left of one that waits."""
        if self._reply is not None:
            self._reply.cancel()
        self._task.cancel()

    async def pieces(self) -> AsyncIterator[str]:
        """The pieces as they are made; then whatever error ended them."""
        while (piece := await self._made.get()) is not None:
            yield piece
        await self._task

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with self._places.taken():
                try:
                    reply = await loop.run_in_executor(self._pool, self._begin)
                    while piece := await loop.run_in_executor(self._pool, _next, reply):
                        self._made.put_nowait(piece)
                finally:
                    self._pool.submit(self._end)  # before any other reply's first step
        finally:
            self._made.put_nowait(None)
            if self._reply is not None:
                self._metrics.reply(self._reply)

    def _begin(self) -> Reply:
        self._reply = self._start()
        return self._reply

    def _end(self) -> None:
        """Let a reply that nobody reads on come to its end; one that has ended stays as it is."""
        if self._reply is not None:
            self._reply.cancel()
            self._reply.read()


def _next(reply: Reply) -> str:
    """The next piece; "" once there is none."""
    return next(reply, "")


def _seen(task: asyncio.Task[None]) -> None:
    """Take note of an error that nobody is left to be told of."""
    if not task.cancelled():
        task.exception()
