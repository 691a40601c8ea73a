"""Keeps streams short and takes over what a dead scheduler left unfinished."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any

from prometheus_client import Gauge
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from common.consumer import Entry, Source, StreamConsumer
from common.models import now_utc, to_millis
from common.streams import DEAD_STREAM, OUTCOMES_STREAM, due_stream, workers_group
from scheduler.stream_positions import fetch_position

logger = logging.getLogger(__name__)

LAG = Gauge("jobs_stream_lag_entries", "Entries that no consumer has been given yet", ["stream"])
PENDING = Gauge("jobs_stream_pending_entries", "Entries given and not acknowledged", ["stream"])

STALE_MILLISECONDS = 60_000
"""Workers touch their pending entries every heartbeat, so older ones belong to the dead. Their
runs are recovered from MongoDB; the entries only stand in the way of trimming."""

TAKE_OVER_MILLISECONDS = 10_000
"""A live scheduler applies a batch of outcomes within seconds."""

TAIL_MINUTES = 10
"""Outcomes stay this long for those who follow the stream without a group."""

OUTCOMES_KEPT = 100_000
"""About how many outcomes stay for them at most, whatever the load."""

TRIMMED_AT_ONCE = 50_000
"""Most entries that one sweep removes from a stream, within milliseconds. Redis by itself stops at
10,000, which is less than what a busy system adds between two sweeps."""

DEAD_LETTERS_KEPT = 10_000
"""At most some 200 MB, as a letter holds a traceback or the entry that nobody could read."""

UNUSED_CONSUMER_MILLISECONDS = 600_000


class Janitor:
    """One sweep over all streams."""

    def __init__(
        self,
        redis: Redis,
        outcomes: Source,
        consumer: StreamConsumer[Any],
        record: Callable[[list[Entry[Any]]], Awaitable[None]],
        actions: Iterable[str],
    ) -> None:
        """Sweep the streams of `actions`; abandoned entries of `outcomes` go to `record`."""
        self._redis = redis
        self._outcomes = outcomes
        self._consumer = consumer
        self._record = record
        self._due = {due_stream(action): workers_group(action) for action in actions}

    async def sweep(self) -> bool:
        """Do one sweep; tell whether there is more to do at once."""
        more = await self._take_over_outcomes()
        for stream, group in self._due.items():
            await self._drop_stale_entries(stream, group)
        for stream, group in [*self._due.items(), (OUTCOMES_STREAM, self._outcomes.group)]:
            await self._measure_and_trim(stream, group)
            await self._drop_unused_consumers(stream, group)
        await self._redis.xtrim(DEAD_STREAM, maxlen=DEAD_LETTERS_KEPT, approximate=True)
        return more

    async def _take_over_outcomes(self) -> bool:
        """Apply the outcomes that a dead scheduler has read but not applied."""
        source = self._outcomes
        try:
            _, entries, *_ = await self._redis.xautoclaim(
                source.stream,
                source.group,
                source.consumer,
                min_idle_time=TAKE_OVER_MILLISECONDS,
                count=500,
            )
        except ResponseError as error:
            if "NOGROUP" in str(error):
                return False
            raise
        readable = await self._consumer.read(entries)
        if readable:
            logger.info("outcomes taken over", extra={"outcomes": len(readable)})
            await self._record(readable)
        return len(entries) >= 500

    async def _drop_stale_entries(self, stream: str, group: str) -> None:
        try:
            stale = await self._redis.xpending_range(
                stream, group, "-", "+", 1_000, idle=STALE_MILLISECONDS
            )
        except ResponseError as error:
            if "NOGROUP" in str(error):
                return
            raise
        if stale:
            await self._redis.xack(stream, group, *(entry["message_id"] for entry in stale))
            logger.info("stale entries dropped", extra={"stream": stream, "entries": len(stale)})

    async def _measure_and_trim(self, stream: str, group: str) -> None:
        """Measure a stream and remove from it what the group has processed."""
        position = await fetch_position(self._redis, stream, group)
        if position is None:
            return
        if position.lag is not None:
            LAG.labels(stream).set(position.lag)
        PENDING.labels(stream).set(position.pending)
        keep_from = position.oldest_needed
        if stream == OUTCOMES_STREAM:
            tail_ms = to_millis(now_utc() - timedelta(minutes=TAIL_MINUTES))
            tail_ms = max(tail_ms, position.begin_of_newest(OUTCOMES_KEPT))
            keep_from = min(keep_from, f"{tail_ms}-0", key=lambda each: int(each.split("-")[0]))
        await self._redis.xtrim(stream, minid=keep_from, approximate=True, limit=TRIMMED_AT_ONCE)

    async def _drop_unused_consumers(self, stream: str, group: str) -> None:
        """Forget consumers of processes long gone; one with pending entries would lose them."""
        try:
            consumers = await self._redis.xinfo_consumers(stream, group)
        except ResponseError as error:
            if "NOGROUP" in str(error) or "no such key" in str(error):
                return
            raise
        for each in consumers:
            if each["pending"] == 0 and each["idle"] > UNUSED_CONSUMER_MILLISECONDS:
                await self._redis.xgroup_delconsumer(stream, group, each["name"])
