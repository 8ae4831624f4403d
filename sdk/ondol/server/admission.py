"""Who may have a reply made now, who waits, and who is sent away."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ondol.server.problems import crowded
from ondol.server.settings import ServerSettings

LONGEST_RETRY = 600
"""Seconds that a client is told to wait at most."""


class Places:
    """One place and a queue before it, first come first served; for one event loop."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._free = asyncio.Semaphore()
        self._usual_seconds = 1.0  # of one reply, the later ones weighing more
        self.waiting = 0
        self.running = 0

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Wait for a place and hold it.

        Raises:
            Problem: 429 if the queue is full, or no place came free in time.
        """
        settings = self._settings
        if self.running + self.waiting >= 1 + settings.queue:
            raise crowded(self.retry_seconds)
        self.waiting += 1
        try:
            async with asyncio.timeout(settings.queue_seconds):
                await self._free.acquire()
        except TimeoutError as exc:
            raise crowded(self.retry_seconds) from exc
        finally:
            self.waiting -= 1
        self.running += 1
        start = time.monotonic()
        try:
            yield
        finally:
            self._usual_seconds += 0.2 * (time.monotonic() - start - self._usual_seconds)
            self.running -= 1
            self._free.release()

    @property
    def retry_seconds(self) -> int:
        """When a place should be free for one who is sent away now."""
        guess = self._usual_seconds * (self.waiting + 1)
        return max(1, min(LONGEST_RETRY, round(guess)))
