"""Steps that are repeated for ever, survive every passing fault, and show that they live."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from common.process import wait_for

logger = logging.getLogger(__name__)

SILENCE_SECONDS = 60.0
"""A loop that has not gone round for so long hangs: MongoDB and Redis calls end sooner."""


class Loop:
    """Repeats a step until stopped: at once while it reports more to do, else after a pause."""

    def __init__(
        self,
        name: str,
        step: Callable[[], Awaitable[bool]],
        pause_seconds: float,
        wake: asyncio.Event | None = None,
    ) -> None:
        """Args as named; setting `wake` ends a pause early."""
        self._name = name
        self._step = step
        self._pause_seconds = pause_seconds
        self._wake = wake or asyncio.Event()
        self._round_at = time.monotonic()
        self._failing_since: float | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Repeat the step until `stop` is set."""
        while not stop.is_set():
            self._round_at = time.monotonic()
            self._wake.clear()
            try:
                more = await self._step()
            except (PyMongoError, RedisError, OSError, TimeoutError) as error:
                self._note_failure(error)
                await wait_for(stop, 1.0)
                continue
            if self._failing_since is not None:
                logger.info("working again", extra={"loop": self._name})
                self._failing_since = None
            if more:
                await asyncio.sleep(0)
            else:
                await self._pause(stop)

    async def _pause(self, stop: asyncio.Event) -> None:
        waiters = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self._wake.wait())]
        try:
            await asyncio.wait(
                waiters, timeout=self._pause_seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for waiter in waiters:
                waiter.cancel()

    def _note_failure(self, error: Exception) -> None:
        """Log the first failure of a row: a server that is away must not flood the log."""
        if self._failing_since is None:
            self._failing_since = time.monotonic()
            logger.warning(
                "cannot work, trying again every second",
                extra={"loop": self._name, "error": type(error).__name__},
            )

    async def goes_round(self) -> str | None:
        """Health check: the loop goes round."""
        silent_seconds = time.monotonic() - self._round_at
        if silent_seconds > SILENCE_SECONDS:
            return f"hangs since {silent_seconds:.0f} s"
        return None
