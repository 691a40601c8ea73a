"""Puts due events onto their streams, each at its moment and once per emission."""

import asyncio
import heapq
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from opentelemetry.trace import Span
from prometheus_client import Counter, Gauge, Histogram
from redis.asyncio import Redis
from redis.exceptions import RedisError

from common.events import JobDue
from common.outages import Outage
from common.process import wait_for
from common.streams import due_stream
from scheduler.once import Addition, OnceAdder

logger = logging.getLogger(__name__)

DEDUPLICATION_SECONDS = 60
"""Longer than a pass lasts: only replicas that repeat one another's steps emit a run twice."""

GATHER_SECONDS = 0.002
"""Between two round trips that emit: what is due meanwhile is emitted together."""

EMITTED = Counter("jobs_emitted_events_total", "Due events put on a stream", ["action"])
LATENESS = Histogram(
    "jobs_emit_lateness_seconds",
    "Emission of a due event minus the moment it was meant for",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)
WAITING = Gauge("jobs_waiting_emissions", "Due events created ahead of their moment")


def _now() -> datetime:
    """Return the present; cut to milliseconds, a moment that has come would seem ahead."""
    return datetime.now(UTC)


@dataclass(frozen=True, order=True)
class Emission:
    """A due event, when to emit it, and the how-many-eth emission of its attempt it is."""

    at: datetime
    sequence: int
    event: JobDue = field(compare=False)
    number: int = field(compare=False)
    span: Span | None = field(compare=False)


class Emitter:
    """Holds emissions until their moment. Losing them is harmless: the reconciler emits again."""

    def __init__(self, redis: Redis, capacity: int, clock: Callable[[], datetime] = _now) -> None:
        """Create an emitter.

        Args:
            redis: Where events go.
            capacity: How many emissions may wait before `is_full` says so.
            clock: Tells the present in UTC.
        """
        self._adder = OnceAdder(redis, DEDUPLICATION_SECONDS)
        self._capacity = capacity
        self._clock = clock
        self._outage = Outage(logger, "emit due events")
        self._heap: list[Emission] = []
        self._sequence = itertools.count()
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, event: JobDue, at: datetime, number: int, span: Span | None = None) -> None:
        """Emit `event` at `at`; `span` ends with the emission."""
        heapq.heappush(self._heap, Emission(at, next(self._sequence), event, number, span))
        WAITING.set(len(self._heap))
        self._changed.set()
        self._idle.clear()

    @property
    def is_full(self) -> bool:
        """Too many emissions wait, for instance because Redis is away: decide about no more."""
        return len(self._heap) >= self._capacity

    @property
    def is_blocked(self) -> bool:
        """Redis takes no events now: what was added before is not lost, it waits."""
        return self._outage.seconds is not None

    async def drain(self, seconds: float) -> None:
        """Wait until everything is emitted, at most `seconds`."""
        await wait_for(self._idle, seconds)

    async def run(self) -> None:
        """Emit for ever."""
        while True:
            await self._wait_for_first()
            await self.emit_due()
            if not self._heap:
                self._idle.set()
            await asyncio.sleep(GATHER_SECONDS)

    async def emit_due(self) -> None:
        """Emit what is due now, however long Redis takes no events."""
        await self._emit_until_done(self._take_due(self._clock()))

    async def _wait_for_first(self) -> None:
        while True:
            self._changed.clear()
            if not self._heap:
                await self._changed.wait()
                continue
            seconds = (self._heap[0].at - self._clock()).total_seconds()
            if seconds <= 0:
                return
            try:
                # waking each half second keeps a clock jump from delaying what is due
                async with asyncio.timeout(min(seconds, 0.5)):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _take_due(self, now: datetime, limit: int = 500) -> list[Emission]:
        batch: list[Emission] = []
        while self._heap and self._heap[0].at <= now and len(batch) < limit:
            batch.append(heapq.heappop(self._heap))
        WAITING.set(len(self._heap))
        return batch

    async def _emit_until_done(self, batch: list[Emission]) -> None:
        while True:
            try:
                emitted = await self._adder.add([_addition(emission) for emission in batch])
            except (RedisError, OSError) as error:
                self._outage.note(error)
                await asyncio.sleep(1.0)
            else:
                self._outage.end()
                self._measure(batch, emitted)
                return

    def _measure(self, batch: list[Emission], emitted: list[bool]) -> None:
        now = self._clock()
        for emission, is_new in zip(batch, emitted, strict=True):
            if emission.span is not None:
                emission.span.end()
            if is_new:
                EMITTED.labels(emission.event.action).inc()
                LATENESS.observe(max(0.0, (now - emission.at).total_seconds()))


def _addition(emission: Emission) -> Addition:
    event = emission.event
    key = f"jobs.emitted:{event.run_id}:{event.attempt}:{emission.number}"
    return Addition(key, due_stream(event.action), event)
