"""Takes outcomes from their stream, has them recorded, and only then acknowledges them."""

import asyncio
import logging

from bson.errors import BSONError
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from common.consumer import Entry, Source, bury
from common.outages import Outage
from common.process import wait_for
from common.streams import to_entry
from scheduler.outcomes import OutcomeEvent
from scheduler.recorder import OutcomeRecorder

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.05
"""Pause between two batches: what comes meanwhile costs one update together instead of several."""

MOST_RECORDING = 2
"""Batches recorded side by side."""

WAKE_SECONDS = 0.1
"""How soon after an outcome schedulers look whether its job may run again. They do so together for
all outcomes of that time: looking costs several queries however little there is to find."""

REFUSALS = frozenset({2, 9, 14, 28, 52, 10334, 17419})
"""Codes by which MongoDB refuses a value, type, field name or size, however often it is tried."""


class OutcomeIntake:
    """Between the outcomes stream and the recorder."""

    def __init__(
        self,
        redis: Redis,
        source: Source,
        recorder: OutcomeRecorder,
        stop: asyncio.Event,
        wake: asyncio.Event,
        most: int,
    ) -> None:
        """Args as named.

        `wake` is set soon after a batch, because a job may be free again. After one of `most`
        entries the next is taken at once: there are more.
        """
        self._redis = redis
        self._source = source
        self._recorder = recorder
        self._stop = stop
        self._wake = wake
        self._most = most
        self._room = asyncio.Semaphore(MOST_RECORDING)
        self._recording: set[asyncio.Task[None]] = set()
        self._waking: asyncio.TimerHandle | None = None
        self._outage = Outage(logger, "record outcomes")

    async def handle(self, entries: list[Entry[OutcomeEvent]]) -> None:
        """Have a batch recorded, however long MongoDB is away.

        While a full one is written the next is read: of two that are written side by side, each
        changes only what it may follow. What is unacknowledged at shutdown is repeated by whoever
        takes it over.
        """
        if len(entries) < self._most:
            async with self._room:
                await self._record_at_last(entries)
            await wait_for(self._stop, GATHER_SECONDS)
            return
        await self._room.acquire()
        task = asyncio.create_task(self._record_at_last(entries))
        self._recording.add(task)
        task.add_done_callback(self._ended)

    async def drain(self) -> None:
        """Wait, once stopped, until what can be recorded is."""
        if self._recording:
            await asyncio.wait(self._recording)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._room.release()
        self._recording.discard(task)
        if not task.cancelled() and (error := task.exception()):
            # the entries stay pending, and are taken over
            logger.error("outcomes not recorded", exc_info=error)

    async def _record_at_last(self, entries: list[Entry[OutcomeEvent]]) -> None:
        while not self._stop.is_set():
            try:
                await self.record(entries)
            except (PyMongoError, RedisError, OSError) as error:
                self._outage.note(error)
                await wait_for(self._stop, 1.0)
            else:
                self._outage.end()
                return

    async def record(self, entries: list[Entry[OutcomeEvent]]) -> None:
        """Record and acknowledge a batch, or as much of it as can be recorded at all.

        An event that cannot, such as one with a number that MongoDB has no type for, goes to the
        dead letters instead of holding up the others for ever.

        Raises:
            PyMongoError: MongoDB is away; the batch must be given again.
            RedisError: Redis is away; likewise.
        """
        try:
            await self._recorder.record(entry.event for entry in entries)
        except (BSONError, OperationFailure, ValueError, TypeError, OverflowError) as error:
            if not _is_refused_for_good(error):
                raise
            if len(entries) > 1:
                for entry in entries:
                    await self.record([entry])
                return
            (entry,) = entries
            await bury(self._redis, self._source, entry.id, to_entry(entry.event), error)
        else:
            ids = [entry.id for entry in entries]
            await self._redis.xack(self._source.stream, self._source.group, *ids)
        if self._waking is None:
            self._waking = asyncio.get_running_loop().call_later(WAKE_SECONDS, self._wake_now)

    def _wake_now(self) -> None:
        self._waking = None
        self._wake.set()


def _is_refused_for_good(error: Exception) -> bool:
    """Tell whether an event is to blame, rather than a missing permission or a full disk."""
    if isinstance(error, BulkWriteError):
        return any(each["code"] in REFUSALS for each in error.details["writeErrors"])
    return not isinstance(error, OperationFailure) or error.code in REFUSALS
