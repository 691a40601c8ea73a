"""Leases: who carries out which attempt, proven by every heartbeat, so the dead are found fast."""

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
from common.process import wait_for
from common.streams import CANCELLED, DATA_FIELD, FINISHED_SECONDS, OUTCOMES_STREAM, lease_key
from common.worker.lease_scripts import (
    FINISH,
    GIVE_BACK,
    RENEW,
    START,
    WAITING,
    Answer,
    queue_key,
    slots_key,
)

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 100
"""Leases taken or finished in one round trip: enough to make its cost small."""

FINISH_PAUSE_SECONDS = 0.005
"""Between two round trips that publish outcomes, for which nobody waits."""

FINISHED = "finished"

SLOT_SECONDS = 0.1
"""How soon a slot that fell free in another process is noticed by those who wait for one."""


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
        self,
        redis: Redis,
        source: Source,
        *,
        lease_seconds: float,
        heartbeat_seconds: float,
        limit: int | None = None,
    ) -> None:
        """Args as named; `source.consumer` and the entry's id name the owner of a lease.

        No more than `limit` leases on the source's stream are held at a time, by all processes
        together; all of them must be told the same.
        """
        self._redis = redis
        self._source = source
        self._lease_ms = int(lease_seconds * 1000)
        self._heartbeat_seconds = heartbeat_seconds
        self._held: dict[str, Held] = {}
        self._limit = limit or 0
        self._slots, self._queue = slots_key(source.stream), queue_key(source.stream)
        self._slot_free = asyncio.Event()
        self._next_look: asyncio.Task[bool] | None = None
        self._start = redis.register_script(START)
        self._renew = redis.register_script(RENEW)
        self._give_back = redis.register_script(GIVE_BACK)
        self._finish = redis.register_script(FINISH)
        self._starts = Batcher(self._start_all, MOST_AT_ONCE)
        self._ends = Batcher(self._finish_all, MOST_AT_ONCE, FINISH_PAUSE_SECONDS)
        self._taking = Outage(logger, "take leases")
        self._publishing = Outage(logger, "publish outcomes")
        self._renewing = Outage(logger, "renew leases")

    @property
    def are_limited(self) -> bool:
        """Whether an attempt may have to wait for a slot."""
        return self._limit > 0

    async def start(
        self, started: RunStarted, entry_id: str, abandon: Callable[[bool], Any]
    ) -> Answer:
        """Take the lease of an attempt and publish that it started, as soon as Redis takes that.

        Args:
            started: The event to publish.
            entry_id: Stream entry that asked for the attempt.
            abandon: Called when the lease turns out to be lost later on: with True when the run
                is to be cancelled, with False when another worker holds it.

        Returns:
            `REFUSED` when a worker, perhaps this one, holds it or has finished the attempt, or the
            run was cancelled: nothing to do then. `WAITING` when as many are held as may be: ask
            again when `slot_may_be_free`, or `give_back` the place.
        """
        key = lease_key(started.run_id, started.attempt)
        if key in self._held:
            return Answer.REFUSED
        answer = await self._starts.submit((key, self._owner(entry_id), started))
        if answer is Answer.TAKEN:
            self._held[key] = Held(entry_id, abandon)
        return answer

    async def slot_may_be_free(self) -> None:
        """Return when one of this process has fallen free, or one of another might have.

        All that wait in this process return at once, and so ask in one round trip.
        """
        if self._next_look is None or self._next_look.done():
            self._slot_free.clear()
            self._next_look = asyncio.create_task(wait_for(self._slot_free, SLOT_SECONDS))
        await asyncio.shield(self._next_look)

    async def give_back(self, started: RunStarted, entry_id: str) -> None:
        """Leave the queue; the run is emitted again for another worker."""
        keys = [lease_key(started.run_id, started.attempt), self._queue]
        try:
            await self._give_back(keys=keys, args=[WAITING + self._owner(entry_id)])
        except (RedisError, OSError) as error:
            # the mark runs out by itself
            logger.info("place not given back", extra={"error": describe_error(error)})

    async def _start_all(self, wanted: Sequence[tuple[str, str, RunStarted]]) -> list[Answer]:
        events = ((owner, started.model_dump_json()) for _, owner, started in wanted)
        keys = [OUTCOMES_STREAM, self._slots, self._queue, *(key for key, _, _ in wanted)]
        args: list[str | int] = [self._lease_ms, DATA_FIELD, self._limit]
        args += itertools.chain.from_iterable(events)
        while True:
            try:
                answers = await self._start(keys=keys, args=args)
            except (RedisError, OSError) as error:
                self._taking.note(error)
                await asyncio.sleep(1.0)
            else:
                self._taking.end()
                return [Answer(each) for each in answers]

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
        stream, group = self._source.stream, self._source.group
        keys = [OUTCOMES_STREAM, self._slots, stream, *(key for key, _, _ in ended)]
        args: list[str | int] = [DATA_FIELD, FINISHED, FINISHED_SECONDS, group]
        for _, outcome, entry_id in ended:
            args += [outcome.model_dump_json(), entry_id]
        while True:
            try:
                await self._finish(keys=keys, args=args)
                break
            except (RedisError, OSError) as error:
                self._publishing.note(error)
                await asyncio.sleep(1.0)
        self._publishing.end()
        self._slot_free.set()
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
        args: list[str | int] = [self._lease_ms, self._limit, *owners]
        for index, owner in await self._renew(keys=[self._slots, *keys], args=args):
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
