"""Copies letters about unreadable entries from the dead stream, which is trimmed, to MongoDB.

A letter about a run needs no copy: the run itself says that it has failed, and why.
"""

import logging
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from common.events import DeadLetter
from common.streams import DATA_FIELD, DEAD_STREAM, SCHEDULER_GROUP, ensure_group

logger = logging.getLogger(__name__)

BATCH = 100
TAKE_OVER_MILLISECONDS = 60_000
"""A letter that was read so long ago and is not copied was read by a scheduler that died."""

RawEntry = tuple[bytes, dict[bytes, bytes]]


class LetterKeeper:
    """One reader of the dead stream; any number of them share it."""

    def __init__(
        self, database: AsyncDatabase[dict[str, Any]], redis: Redis, consumer: str
    ) -> None:
        """`consumer` names this process among the others."""
        self._letters = database["deadLetters"]
        self._redis = redis
        self._consumer = consumer

    async def keep(self) -> bool:
        """Copy what is new; tell whether there may be more.

        Raises:
            PyMongoError: MongoDB is away; the letters are copied later.
            RedisError: Redis is away; likewise.
        """
        try:
            entries = await self._read()
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            await ensure_group(self._redis, DEAD_STREAM, SCHEDULER_GROUP)
            return True
        copies = [copy for entry in entries if (copy := _copy(*entry)) is not None]
        if copies:
            await self._letters.bulk_write(copies, ordered=False)
        if entries:
            ids = [entry_id for entry_id, _ in entries]
            await self._redis.xack(DEAD_STREAM, SCHEDULER_GROUP, *ids)
        return len(entries) >= BATCH

    async def _read(self) -> list[RawEntry]:
        group = (DEAD_STREAM, SCHEDULER_GROUP)
        _, left, *_ = await self._redis.xautoclaim(
            *group, self._consumer, min_idle_time=TAKE_OVER_MILLISECONDS, count=BATCH
        )
        new: Any = await self._redis.xreadgroup(
            SCHEDULER_GROUP, self._consumer, {DEAD_STREAM: ">"}, count=BATCH
        )
        streams = new.items() if isinstance(new, dict) else new or []
        found: list[RawEntry] = [entry for entry in left if entry[1]]
        for _, batch in streams:
            found += batch
        return found


def _copy(entry_id: bytes, fields: dict[bytes, bytes]) -> UpdateOne | None:
    try:
        letter = DeadLetter.model_validate_json(fields[DATA_FIELD.encode()])
    except (KeyError, ValueError) as error:
        logger.warning(
            "dead letter that nobody can read",
            extra={"entry_id": entry_id.decode(), "error": type(error).__name__},
        )
        return None
    if letter.reason != "unreadable":
        return None
    document = {
        "stream": letter.stream,
        "error": {"type": letter.error.type, "message": letter.error.message},
        "entry": letter.entry,
        "at": letter.at,
    }
    return UpdateOne({"_id": entry_id.decode()}, {"$setOnInsert": document}, upsert=True)
