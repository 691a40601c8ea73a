"""Steps that are repeated for ever, survive every passing fault, and show that they live."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from common.outages import Outage
from common.process import wait_for

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
"""Pause after a failed round."""

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
        least_pause_seconds: float = 0.0,
    ) -> None:
        """Args as named; setting `wake` ends a pause early, `name` shows in logs.

        However often `wake` is set, a pause lasts `least_pause_seconds`: under load one round does
        what many would do at the cost of many.
        """
        self._step = step
        self._pause_seconds = pause_seconds
        self._wake = wake or asyncio.Event()
        self._least_pause_seconds = least_pause_seconds
        self._round_at: float | None = None
        self._outage = Outage(logger, "work", loop=name)

    async def run(self, stop: asyncio.Event) -> None:
        """Repeat the step until `stop` is set."""
        while not stop.is_set():
            self._round_at = time.monotonic()
            self._wake.clear()
            try:
                more = await self._step()
            except (PyMongoError, RedisError, OSError) as error:
                self._outage.note(error)
                await wait_for(stop, RETRY_SECONDS)
                continue
            self._outage.end()
            if more:
                await asyncio.sleep(0)
            else:
                await self._pause(stop)

    async def _pause(self, stop: asyncio.Event) -> None:
        if self._least_pause_seconds:
            await asyncio.sleep(self._least_pause_seconds)
        waiters = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self._wake.wait())]
        try:
            await asyncio.wait(
                waiters, timeout=self._pause_seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for waiter in waiters:
                waiter.cancel()

    async def goes_round(self) -> str | None:
        """Health check: the loop does not hang. It may fail, or not have begun yet."""
        silent_seconds = 0.0 if self._round_at is None else time.monotonic() - self._round_at
        if silent_seconds > SILENCE_SECONDS:
            return f"hangs since {silent_seconds:.0f} s"
        return None

    async def succeeds(self) -> str | None:
        """Health check: the loop has begun, and its latest round did not fail."""
        if self._round_at is None:
            return "not begun"
        failing_seconds = self._outage.seconds
        return None if failing_seconds is None else f"fails since {failing_seconds:.0f} s"
