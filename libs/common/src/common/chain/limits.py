"""How many requests an endpoint may get at once and in a second, within one process."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt
from pydantic.alias_generators import to_camel

from common.chain.errors import RateLimited

BURST_SECONDS = 0.1
"""Calls of so long a time may come together: in any second there are at most 1.1 times as many."""
LONGEST_WAIT_SECONDS = 30.0
"""A longer queue fails the call: the run goes to another endpoint, or is tried again later."""


class RpcLimit(BaseModel):
    """What one endpoint is to be asked at most, by all processes together.

    Attributes:
        requests_per_second: JSON-RPC calls, each entry of a batch counted; None for no limit.
        concurrency: HTTP requests under way at the same time; None for no limit.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, extra="forbid", frozen=True
    )

    requests_per_second: PositiveFloat | None = None
    concurrency: PositiveInt | None = None


UNLIMITED = RpcLimit()


class Parked(RateLimited):
    """Another call was told to wait: this endpoint is left alone until then."""


class QueueTooLong(RateLimited):
    """The configured limit leaves no room for the call for a long time."""


class Gate(Protocol):
    """What every request to one endpoint passes."""

    def enter(self, calls: int) -> AbstractAsyncContextManager[None]:
        """Waits until a request of `calls` calls may be sent; the request is sent inside.

        Raises:
            Parked: The endpoint wants to be left alone.
            QueueTooLong: The wait would be longer than a run can bear.
        """

    async def park(self, seconds: float) -> None:
        """Keeps all calls away for a time, since the endpoint asked for it."""


class Gates(Protocol):
    """Makes the gates of a process."""

    def create(self, digest: str, limit: RpcLimit, label: str) -> Gate:
        """The gate of an endpoint, known by the digest of its URL."""


def endpoint_digest(url: str) -> str:
    """A name of an endpoint that does not give its URL away, which may hold a key."""
    return hashlib.sha256(url.encode()).hexdigest()[:24]


class LocalGate:
    """Limits of one process, by the generic cell rate algorithm and a semaphore.

    It parks nothing: each process keeps away from an endpoint by itself (see `health`).
    """

    def __init__(self, limit: RpcLimit) -> None:
        self._seconds_a_call = 1 / limit.requests_per_second if limit.requests_per_second else 0.0
        self._slots = asyncio.Semaphore(limit.concurrency) if limit.concurrency else None
        self._arrival = 0.0  # theoretical arrival time of the next call, monotonic seconds

    @asynccontextmanager
    async def enter(self, calls: int) -> AsyncIterator[None]:
        """See `Gate`."""
        if self._slots is None:
            await self._wait(calls)
            yield
            return
        async with self._slots:
            await self._wait(calls)
            yield

    async def park(self, seconds: float) -> None:
        """See `Gate`."""

    async def _wait(self, calls: int) -> None:
        if not self._seconds_a_call:
            return
        now = time.monotonic()
        arrival = max(self._arrival, now)
        wait = arrival - now - BURST_SECONDS
        if wait > LONGEST_WAIT_SECONDS:
            raise QueueTooLong(
                f"the configured limit leaves no room for {wait:.0f} s", retry_after_seconds=wait
            )
        self._arrival = arrival + calls * self._seconds_a_call
        if wait > 0:
            await asyncio.sleep(wait)


class LocalGates:
    """Each process for itself."""

    def create(self, digest: str, limit: RpcLimit, label: str) -> Gate:
        """See `Gates`."""
        return LocalGate(limit)
