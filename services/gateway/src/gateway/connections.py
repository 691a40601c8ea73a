"""The gateway's MongoDB and Redis: both may come late, go away and come back."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Sequence
from typing import Any, Final, Self

import pymongo
from beanie import init_beanie
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure, PyMongoError
from redis.exceptions import RedisError

from common.batching import Batcher
from common.documents import DOCUMENTS
from common.mongo_client import create_mongo
from common.redis_client import create_redis
from common.streams import WAKE_CHANNEL
from gateway.job_batches import JobInserts
from gateway.problems import unavailable
from gateway.settings import GatewaySettings

logger = logging.getLogger(__name__)

_INDEX_TIMEOUT_SECONDS = 600.0
_PAUSE_SECONDS = 1.0
_WAKE_PAUSE_SECONDS = 0.02  # schedulers, too, gather wake-ups for so long
_REQUESTS_OF_ONE_PING = 1_000

REDIS_ANSWER_HOLDS_SECONDS: Final = 0.1
"""How long Redis counts as there after it answered."""


def is_passing(error: PyMongoError) -> bool:
    """Tell whether `error` means that MongoDB is away or slow, which passes by itself."""
    return error.timeout or isinstance(error, ConnectionFailure)


class Connections:
    """Clients of both servers, bound to the event loop in which they are entered."""

    def __init__(self, settings: GatewaySettings) -> None:
        """Open nothing yet."""
        timeout_ms = round(settings.mongodb_timeout_seconds * 1000)
        self._mongo = create_mongo(
            settings.mongodb_uri,
            w="majority",  # an acknowledged job survives the loss of the primary
            timeoutMS=timeout_ms,
            serverSelectionTimeoutMS=timeout_ms // 2,
            connectTimeoutMS=timeout_ms // 2,
        )
        self.database: AsyncDatabase[dict[str, Any]] = self._mongo[settings.mongodb_database]
        self.new_jobs = JobInserts(settings.mongodb_timeout_seconds)
        self._redis = create_redis(settings.redis_url, attempts=1)
        self._redis_timeout_seconds = settings.redis_timeout_seconds
        self._redis_answered_at = -math.inf
        self._preparation: asyncio.Task[None] | None = None
        self._waking: asyncio.Task[None] | None = None
        self._wake_asked = asyncio.Event()
        self._pings = Batcher(self._ping, _REQUESTS_OF_ONE_PING)

    async def __aenter__(self) -> Self:
        """Begin to prepare the database, without waiting for it."""
        self._preparation = asyncio.create_task(self._prepare_database(), name="preparation")
        self._waking = asyncio.create_task(self._wake_when_asked(), name="waking")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give back all connections."""
        for task in (self._preparation, self._waking):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        await self._mongo.close()
        await self._redis.aclose()

    async def _prepare_database(self) -> None:
        """Bind the documents and create their indexes; try until MongoDB is there."""
        while True:
            try:
                with pymongo.timeout(_INDEX_TIMEOUT_SECONDS):
                    await init_beanie(self.database, document_models=DOCUMENTS)
            except PyMongoError as error:
                reason = f"{type(error).__name__}: {error}"[:300]
                logger.warning("database not prepared yet", extra={"error": reason})
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                logger.info("database prepared")
                return

    @property
    def is_prepared(self) -> bool:
        """Whether documents can be read and written."""
        task = self._preparation
        return task is not None and task.done() and task.exception() is None

    def check_database(self) -> None:
        """Raise a 503 problem unless the database is prepared."""
        if not self.is_prepared:
            raise unavailable("MongoDB has not answered yet since this gateway started")

    async def check_redis(self) -> None:
        """Raise a 503 problem unless Redis answers: schedulers could not work without it.

        An answer holds for a tenth of a second, and requests that ask together share one.
        """
        if time.monotonic() - self._redis_answered_at < REDIS_ANSWER_HOLDS_SECONDS:
            return
        try:
            await self._pings.submit(None)
        except (RedisError, TimeoutError) as error:
            logger.warning("redis does not answer", extra={"error": type(error).__name__})
            raise unavailable("Redis does not answer; nothing was changed") from error

    async def _ping(self, askers: Sequence[None]) -> Sequence[None]:
        await self._await_redis(self._redis.ping())
        return askers

    async def _await_redis(self, command: Awaitable[Any]) -> None:
        try:
            async with asyncio.timeout(self._redis_timeout_seconds):
                await command
        except (RedisError, TimeoutError):
            self._redis_answered_at = -math.inf
            raise
        self._redis_answered_at = time.monotonic()

    def wake_schedulers(self) -> None:
        """Tell schedulers to look at once; without the hint they find a job a little later.

        No request waits for that, and those that come together give one hint.
        """
        self._wake_asked.set()

    async def _wake_when_asked(self) -> None:
        while True:
            await self._wake_asked.wait()
            self._wake_asked.clear()
            try:
                await self._await_redis(self._redis.publish(WAKE_CHANNEL, ""))
            except (RedisError, TimeoutError) as error:
                logger.warning("schedulers not woken", extra={"error": type(error).__name__})
            await asyncio.sleep(_WAKE_PAUSE_SECONDS)

    async def mongodb_answers(self) -> str | None:
        """Health check: MongoDB answers and the indexes are there."""
        await self._mongo.admin.command("ping")
        return None if self.is_prepared else "indexes are not created yet"

    async def is_preparing(self) -> str | None:
        """Health check: the preparation of the database goes on or has succeeded."""
        task = self._preparation
        if task is None or (task.done() and task.exception() is not None):
            return "given up"
        return None

    async def redis_answers(self) -> str | None:
        """Health check: Redis answers."""
        return None if await self._redis.ping() else "no answer"
