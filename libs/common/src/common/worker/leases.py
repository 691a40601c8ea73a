"""Leases: who carries out which attempt, proven every second, so that the dead are found fast."""

import asyncio
import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from common.batching import Batcher
from common.consumer import Source
from common.events import RunEnd, RunStarted
from common.outages import Outage, describe_error
from common.streams import CANCELLED, DATA_FIELD, OUTCOMES_STREAM, lease_key, to_entry

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 100
"""Leases taken or finished in one round trip: enough to make its cost small."""

FINISHED = "finished"
FINISHED_SECONDS = 60
"""How long a finished attempt's lease is kept, so that a duplicate of its event is recognised."""

# Takes the lease and tells so, or does neither. Sent again because the answer was lost, it tells
# again that the lease is taken.
_START = """
local taken = {}
for i = 2, #KEYS do
  local owner, started = ARGV[2 * i - 1], ARGV[2 * i]
  local present = redis.call('GET', KEYS[i])
  if not present then
    redis.call('SET', KEYS[i], owner, 'PX', ARGV[1])
    redis.call('XADD', KEYS[1], '*', ARGV[2], started)
  end
  taken[i - 1] = (not present or present == owner) and 1 or 0
end
return taken
"""

# Prolongs leases that are ours or were forgotten by a flushed Redis; returns the others, each with
# what is there instead.
_RENEW = """
local lost = {}
for i, key in ipairs(KEYS) do
  local owner = redis.call('GET', key)
  if not owner or owner == ARGV[i + 1] then
    redis.call('SET', key, ARGV[i + 1], 'PX', ARGV[1])
  else
    table.insert(lost, {i - 1, owner})
  end
end
return lost
"""


@dataclass(frozen=True)
class Held:
    """A lease this process holds.

    Attributes:
        entry_id: Stream entry that asked for the attempt.
        abandon: Ends the attempt when the lease is lost, and is told whether a user wished so;
            None when its end is being published.
    """

    entry_id: str
    abandon: Callable[[bool], Any] | None


class Leases:
    """The leases of one worker process."""

    def __init__(
        self, redis: Redis, source: Source, *, lease_seconds: float, heartbeat_seconds: float
    ) -> None:
        """Args as named; `source.consumer` and the entry's id name the owner of a lease."""
        self._redis = redis
        self._source = source
        self._lease_ms = int(lease_seconds * 1000)
        self._heartbeat_seconds = heartbeat_seconds
        self._held: dict[str, Held] = {}
        self._start = redis.register_script(_START)
        self._renew = redis.register_script(_RENEW)
        self._starts = Batcher(self._start_all, MOST_AT_ONCE)
        self._ends = Batcher(self._finish_all, MOST_AT_ONCE)
        self._taking = Outage(logger, "take leases")
        self._publishing = Outage(logger, "publish outcomes")
        self._renewing = Outage(logger, "renew leases")

    async def start(
        self, started: RunStarted, entry_id: str, abandon: Callable[[bool], Any]
    ) -> bool:
        """Take the lease of an attempt and publish that it started, as soon as Redis takes that.

        Args:
            started: The event to publish.
            entry_id: Stream entry that asked for the attempt.
            abandon: Called when the lease turns out to be lost later on: with True when the run
                is to be cancelled, with False when another worker holds it.

        Returns:
            False when a worker, perhaps this one, holds it or has finished the attempt, or the run
            was cancelled: nothing to do then.
        """
        key = lease_key(started.run_id, started.attempt)
        if key in self._held:
            return False
        taken = await self._starts.submit((key, self._owner(entry_id), started))
        if taken:
            self._held[key] = Held(entry_id, abandon)
        return taken

    async def _start_all(self, wanted: Sequence[tuple[str, str, RunStarted]]) -> list[bool]:
        events = ((owner, started.model_dump_json()) for _, owner, started in wanted)
        keys = [OUTCOMES_STREAM, *(key for key, _, _ in wanted)]
        args: list[str | int] = [self._lease_ms, DATA_FIELD, *itertools.chain.from_iterable(events)]
        while True:
            try:
                taken = await self._start(keys=keys, args=args)
            except (RedisError, OSError) as error:
                self._taking.note(error)
                await asyncio.sleep(1.0)
            else:
                self._taking.end()
                return [bool(each) for each in taken]

    async def finish(self, outcome: RunEnd, entry_id: str) -> None:
        """Publish how an attempt ended, mark its lease finished and acknowledge its entry, as one.

        Redis being away, full or demoted delays this until it is back.
        """
        key = lease_key(outcome.run_id, outcome.attempt)
        if key in self._held:
            self._held[key] = Held(entry_id, abandon=None)
        await self._ends.submit((key, outcome, entry_id))
        self._held.pop(key, None)

    async def _finish_all(self, ended: Sequence[tuple[str, RunEnd, str]]) -> Sequence[None]:
        while True:
            try:
                async with self._redis.pipeline(transaction=True) as pipe:
                    for key, outcome, _ in ended:
                        pipe.xadd(OUTCOMES_STREAM, to_entry(outcome))
                        pipe.set(key, FINISHED, ex=FINISHED_SECONDS)
                    entries = (entry_id for _, _, entry_id in ended)
                    pipe.xack(self._source.stream, self._source.group, *entries)
                    await pipe.execute()
                break
            except (RedisError, OSError) as error:
                self._publishing.note(error)
                await asyncio.sleep(1.0)
        self._publishing.end()
        return [None] * len(ended)

    async def acknowledge(self, entry_id: str) -> None:
        """Drop an entry that asks for nothing new; the janitor drops one that could not be."""
        try:
            await self._redis.xack(self._source.stream, self._source.group, entry_id)
        except (RedisError, OSError) as error:
            logger.info("entry not dropped", extra={"error": describe_error(error)})

    def forget(self, run_id: str, attempt: int) -> None:
        """Stop renewing the lease of an attempt that nobody works on any more."""
        self._held.pop(lease_key(run_id, attempt), None)

    async def keep(self) -> None:
        """Renew all held leases at every heartbeat until cancelled."""
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            if not self._held:
                continue
            try:
                await self._renew_once()
            except (RedisError, OSError) as error:
                # nobody else can take a lease either while Redis is away
                self._renewing.note(error)
            else:
                self._renewing.end()

    def _owner(self, entry_id: str) -> str:
        return f"{self._source.consumer}/{entry_id}"

    async def _renew_once(self) -> None:
        held = dict(self._held)
        keys = list(held)
        owners = [self._owner(each.entry_id) for each in held.values()]
        for index, owner in await self._renew(keys=keys, args=[self._lease_ms, *owners]):
            lease = self._held.pop(keys[index], None)
            if lease is not None and lease.abandon is not None:
                is_cancelled = owner == CANCELLED.encode()
                if not is_cancelled:
                    logger.error("lease taken over by another worker", extra={"lease": keys[index]})
                lease.abandon(is_cancelled)
        try:
            # a young pending entry shows that its consumer lives, see the scheduler's janitor
            await self._redis.xclaim(
                self._source.stream,
                self._source.group,
                self._source.consumer,
                0,
                [each.entry_id for each in held.values()],
                justid=True,
            )
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
