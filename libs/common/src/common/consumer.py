"""Reads a stream in batches through FastStream, for ever, whatever happens to Redis."""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from faststream import AckPolicy
from faststream.message import StreamMessage
from faststream.redis import RedisBroker, StreamSub
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from common.events import DeadLetter, Failure
from common.models import now_utc
from common.outages import Outage
from common.pauses import with_pauses
from common.process import wait_for
from common.redis_client import PASSING_ERRORS, create_retry
from common.streams import DATA_FIELD, DEAD_STREAM, ensure_group, to_entry

logger = logging.getLogger(__name__)

# FastStream repeats a read that Redis refused (no permission, full disk) without any pause, and
# remembers each try for ever. Without its supervisor the read ends; `StreamConsumer` revives it.
os.environ["FASTSTREAM_SUPERVISOR_DISABLED"] = "1"

EventT = TypeVar("EventT", bound=BaseModel)

RawEntry = tuple[bytes, dict[bytes, bytes]]

BLOCK_MILLISECONDS = 1_000
"""How long one read waits for entries; must stay below redis-py's socket timeout of 5 s."""

WATCH_SECONDS = 0.25
"""How soon a subscriber that FastStream gave up is noticed and started again."""

PAUSE_SECONDS = 1.0
"""Pause before the next try while Redis refuses reads."""

READ_AT_A_TIME = 50
"""Entries read without a pause: half a millisecond."""

SILENCE_SECONDS = 30.0
"""A consumer whose subscriber was not looked at for so long is not alive."""


@dataclass(frozen=True)
class Source:
    """Where entries come from: a stream, and this process's name in one of its groups."""

    stream: str
    group: str
    consumer: str


@dataclass(frozen=True)
class Entry(Generic[EventT]):
    """An event and the id of the entry that carried it."""

    id: str
    event: EventT


class StreamConsumer(Generic[EventT]):
    """Hands every readable entry of a stream to `handle`, and every other to the dead letters.

    FastStream stops a subscriber for good when its group is lost (a flush, a restart without
    persistence) or Redis refuses a read, and one unreadable entry spoils the batch it came in. So
    the subscriber is watched and started again with its group, and entries are decoded here, one
    by one.

    Entries are not acknowledged: whoever handles them does that when the work is done.
    """

    def __init__(
        self,
        source: Source,
        events: TypeAdapter[EventT],
        handle: Callable[[list[Entry[EventT]]], Awaitable[None]],
        *,
        redis: Redis,
        redis_url: SecretStr,
        max_records: int,
    ) -> None:
        """Args as named; `max_records` is the most entries of one batch."""
        self._source = source
        self._events = events
        self._handle = handle
        self._redis = redis
        self._redis_url = redis_url
        self._max_records = max_records
        self._outage = Outage(logger, "read the stream", stream=source.stream)
        self._watched_at: float | None = None

    async def is_watched(self) -> str | None:
        """Health check: the loop that revives the subscriber goes round, once it has begun."""
        silent_seconds = 0.0 if self._watched_at is None else time.monotonic() - self._watched_at
        if silent_seconds > SILENCE_SECONDS:
            return f"the consumer of {self._source.stream} hangs since {silent_seconds:.0f} s"
        return None

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set. `handle` must return soon after that."""
        while not stop.is_set():
            self._watched_at = time.monotonic()
            broker = self._create_broker()
            try:
                await broker.connect()
                await ensure_group(self._redis, self._source.stream, self._source.group)
                self._watched_at = time.monotonic()
                await broker.start()
                self._outage.end()
                await self._watch(broker, stop)
            except (RedisError, OSError, TimeoutError) as error:
                self._outage.note(error)
                await wait_for(stop, PAUSE_SECONDS)
            finally:
                await broker.stop()

    async def _watch(self, broker: RedisBroker, stop: asyncio.Event) -> None:
        """Return when `stop` is set or the group is lost.

        Raises:
            RedisError: Redis refused a read.
        """
        readers = [task for each in broker.subscribers for task in getattr(each, "tasks", ())]
        while not stop.is_set():
            self._watched_at = time.monotonic()
            for reader in readers:
                if reader.done() and not reader.cancelled():
                    reader.result()
            if not all(subscriber.running for subscriber in broker.subscribers):
                logger.warning(
                    "subscriber stopped, its group is lost: starting it again",
                    extra={"stream": self._source.stream, "group": self._source.group},
                )
                return
            await wait_for(stop, WATCH_SECONDS)

    def _create_broker(self) -> RedisBroker:
        broker = RedisBroker(
            self._redis_url.get_secret_value(),
            logger=None,  # type: ignore[arg-type]  # accepted at run time; its INFO lines halve the speed
            apply_types=False,  # entries are validated one by one, see `read`
            graceful_timeout=5,
            retry=create_retry(-1),
            retry_on_error=PASSING_ERRORS,
        )
        subscription = StreamSub(
            self._source.stream,
            group=self._source.group,
            consumer=self._source.consumer,
            batch=True,
            max_records=self._max_records,
            polling_interval=BLOCK_MILLISECONDS,
        )

        broker.subscriber(
            stream=subscription, ack_policy=AckPolicy.MANUAL, parser=_parse, decoder=_decode
        )(self._take)
        return broker

    async def _take(self, entries: list[RawEntry]) -> None:
        try:
            if events := await self.read(entries):
                await self._handle(events)
        except Exception:
            # FastStream would drop it without a word; the entries stay pending
            logger.exception("batch not handled", extra={"stream": self._source.stream})
            raise

    async def read(self, entries: list[RawEntry]) -> list[Entry[EventT]]:
        """Return the events of raw stream entries; move those that nobody can read aside."""
        readable = []
        async for entry_id, fields in with_pauses(entries, READ_AT_A_TIME):
            try:
                event = self._events.validate_json(fields[DATA_FIELD.encode()])
            except (KeyError, ValidationError, ValueError) as error:
                await bury(self._redis, self._source, entry_id.decode(), fields, error)
            else:
                readable.append(Entry(id=entry_id.decode(), event=event))
        return readable


async def bury(
    redis: Redis, source: Source, entry_id: str, fields: Mapping[Any, Any], error: Exception
) -> None:
    """Move an entry that nobody can use to the dead letters.

    Raises:
        RedisError: Redis is away; nothing was moved.
    """
    letter = DeadLetter(
        reason="unreadable",
        stream=source.stream,
        error=Failure(type=type(error).__name__, message=str(error)[:2_000]),
        entry=repr(dict(fields))[:10_000],
        at=now_utc(),
    )
    async with redis.pipeline(transaction=True) as pipe:
        pipe.xadd(DEAD_STREAM, to_entry(letter))
        pipe.xack(source.stream, source.group, entry_id)
        await pipe.execute()
    logger.error(
        "unreadable entry moved to the dead letters",
        extra={"stream": source.stream, "entry_id": entry_id},
    )


async def _parse(message: Any) -> StreamMessage[Any]:
    """Wrap a raw batch without looking inside: FastStream's own parser fails on odd entries."""
    return StreamMessage(raw_message=message, body=b"")


async def _decode(message: StreamMessage[Any]) -> list[RawEntry]:
    raw = message.raw_message
    return list(zip(raw["message_ids"], raw["data"], strict=True))
