"""Takes outcomes from their stream, has them recorded, and only then acknowledges them."""

import asyncio
import logging

from pymongo.errors import PyMongoError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from common.consumer import Entry, Source
from common.process import wait_for
from scheduler.outcomes import OutcomeEvent
from scheduler.recorder import OutcomeRecorder

logger = logging.getLogger(__name__)


class OutcomeIntake:
    """Between the outcomes stream and the recorder."""

    def __init__(
        self,
        redis: Redis,
        source: Source,
        recorder: OutcomeRecorder,
        stop: asyncio.Event,
        wake: asyncio.Event,
    ) -> None:
        """Args as named; `wake` is set after each batch, because a job may be free again."""
        self._redis = redis
        self._source = source
        self._recorder = recorder
        self._stop = stop
        self._wake = wake

    async def handle(self, entries: list[Entry[OutcomeEvent]]) -> None:
        """Record a batch, however long MongoDB is away.

        What is unacknowledged at shutdown is repeated by whoever takes it over.
        """
        while not self._stop.is_set():
            try:
                await self._recorder.record(entry.event for entry in entries)
                await self._redis.xack(
                    self._source.stream, self._source.group, *(entry.id for entry in entries)
                )
            except (PyMongoError, RedisError, OSError) as error:
                logger.warning(
                    "cannot record outcomes, trying again",
                    extra={"outcomes": len(entries), "error": type(error).__name__},
                )
                await wait_for(self._stop, 1.0)
            else:
                self._wake.set()
                return
