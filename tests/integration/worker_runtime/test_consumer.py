"""A consumer reads on whatever is in its stream and whatever happens to Redis."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr, TypeAdapter
from redis.asyncio import Redis

from common import consumer as consumer_module
from common.consumer import Entry, Source, StreamConsumer
from common.process import end_tasks
from common.redis_client import create_redis
from common.streams import DATA_FIELD, DEAD_STREAM
from local_stack.servers import RedisServer
from tests.integration.engine_data import eventually, read_events

STREAM = "notes"
GROUP = "readers"


class Note(BaseModel):
    """The smallest event."""

    text: str


class Reader:
    """A running consumer and what it has read."""

    def __init__(self, redis: Redis, redis_url: str, max_records: int = 10) -> None:
        self.redis = redis
        self.texts: list[str] = []
        self.batches: list[int] = []
        self.stop = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.consumer = StreamConsumer(
            Source(STREAM, GROUP, "reader"),
            TypeAdapter(Note),
            self._handle,
            redis=redis,
            redis_url=SecretStr(redis_url),
            max_records=max_records,
        )
        self.task = asyncio.create_task(self.consumer.run(self.stop))

    async def _handle(self, entries: list[Entry[Note]]) -> None:
        self.batches.append(len(entries))
        self.texts += [entry.event.text for entry in entries]
        await self.redis.xack(STREAM, GROUP, *(entry.id for entry in entries))
        await self.may_go_on.wait()

    async def has_read(self, text: str) -> bool:
        return text in self.texts


@asynccontextmanager
async def reading(redis_url: str, max_records: int = 10) -> AsyncIterator[Reader]:
    async with create_redis(SecretStr(redis_url)) as redis:
        reader = Reader(redis, redis_url, max_records)
        yield reader
        reader.stop.set()
        await asyncio.wait([reader.task], timeout=10)
        await end_tasks([reader.task])
        assert reader.task.done()


async def add(redis: Redis, text: str) -> None:
    await redis.xadd(STREAM, {DATA_FIELD: json.dumps({"text": text})})


async def reads_on(reader: Reader, redis: Redis) -> None:
    """Wait until entries written now are read; one written while a group is lost comes too."""

    async def probe() -> bool:
        await add(redis, "on")
        return "on" in reader.texts

    await eventually(probe, every=0.1)


async def test_entries_that_were_there_before_the_first_consumer_are_read(
    redis: Redis, redis_url: str
) -> None:
    await add(redis, "early")
    async with reading(redis_url) as reader:
        await eventually(lambda: reader.has_read("early"))


@pytest.mark.parametrize(
    "fields",
    [
        {DATA_FIELD: b"{not json"},
        {DATA_FIELD: b'{"text": 7}'},
        {DATA_FIELD: b'{"text": null}'},
        {DATA_FIELD: b"[]"},
        {DATA_FIELD: b""},
        {DATA_FIELD: bytes(range(256))},
        {DATA_FIELD: b'{"text": "\\ud800"}'},
        {DATA_FIELD: b"[" * 100_000},
        {b"\xff\x00": b"\xfe"},
        {"other": b"value"},
    ],
    ids=lambda fields: repr(fields)[:40],
)
async def test_an_entry_nobody_can_read_is_moved_aside_and_the_rest_of_its_batch_is_handled(
    redis: Redis, redis_url: str, fields: dict[Any, Any]
) -> None:
    await add(redis, "before")
    poison_id: Any = await redis.xadd(STREAM, fields)
    await add(redis, "after")
    async with reading(redis_url) as reader:
        await eventually(lambda: reader.has_read("after"))
        assert reader.texts == ["before", "after"]
    (letter,) = await read_events(redis, DEAD_STREAM)
    assert letter["reason"] == "unreadable"
    assert letter["stream"] == STREAM
    assert letter["error"]["message"]
    assert len(letter["entry"]) <= 10_000
    pending: Any = await redis.xpending_range(STREAM, GROUP, "-", "+", 10)
    assert poison_id not in [each["message_id"] for each in pending]


async def test_a_flood_of_unreadable_entries_does_not_stop_the_others(
    redis: Redis, redis_url: str
) -> None:
    for _ in range(30):
        await redis.xadd(STREAM, {"junk": "junk"})
    await add(redis, "fine")
    async with reading(redis_url, max_records=7) as reader:
        await eventually(lambda: reader.has_read("fine"))
    assert await redis.xlen(DEAD_STREAM) == 30


async def test_no_batch_is_larger_than_asked_for_and_none_is_read_before_the_last_is_handled(
    redis: Redis, redis_url: str
) -> None:
    for number in range(10):
        await add(redis, str(number))
    async with reading(redis_url, max_records=4) as reader:
        reader.may_go_on.clear()
        await eventually(lambda: reader.has_read("0"))
        groups: Any = await redis.xinfo_groups(STREAM)
        assert groups[0]["lag"] == 6
        reader.may_go_on.set()
        await eventually(lambda: reader.has_read("9"))
        assert reader.batches == [4, 4, 2]


@pytest.mark.parametrize("loss", ["flush", "group destroyed", "stream deleted"])
async def test_a_lost_group_is_made_again(redis: Redis, redis_url: str, loss: str) -> None:
    async with reading(redis_url) as reader:
        await add(redis, "first")
        await eventually(lambda: reader.has_read("first"))
        if loss == "flush":
            await redis.flushall()
        elif loss == "group destroyed":
            await redis.xgroup_destroy(STREAM, GROUP)
        else:
            await redis.delete(STREAM)
        await reads_on(reader, redis)


async def test_a_redis_restarted_empty_is_read_from_again(forgetful_redis: RedisServer) -> None:
    async with reading(forgetful_redis.url) as reader:
        await add(reader.redis, "first")
        await eventually(lambda: reader.has_read("first"))
        await asyncio.to_thread(forgetful_redis.kill)
        await asyncio.to_thread(forgetful_redis.start)
        await reads_on(reader, reader.redis)


async def test_a_redis_that_is_away_for_long_neither_ends_nor_floods_the_consumer(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "PAUSE_SECONDS", 0.01)
    await asyncio.to_thread(own_redis.kill)
    async with reading(own_redis.url) as reader:
        await asyncio.sleep(3)
        assert await reader.consumer.is_watched() is None
        assert not reader.task.done()
        assert len(caplog.records) <= 2
        await asyncio.to_thread(own_redis.start)
        await reads_on(reader, reader.redis)


async def test_a_stop_is_obeyed_while_redis_is_away(own_redis: RedisServer) -> None:
    async with reading(own_redis.url) as reader:
        await add(reader.redis, "first")
        await eventually(lambda: reader.has_read("first"))
        await asyncio.to_thread(own_redis.kill)
        reader.stop.set()
        await asyncio.wait_for(reader.task, timeout=20)


@pytest.mark.parametrize("refusal", ["read-only", "no permission"])
async def test_refused_reads_are_tried_again_with_pauses_until_they_succeed(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture, refusal: str
) -> None:
    """READONLY is what a primary answers that was just demoted."""
    async with reading(own_redis.url) as reader:
        await add(reader.redis, "first")
        await eventually(lambda: reader.has_read("first"))
        if refusal == "read-only":
            await reader.redis.replicaof("127.0.0.1", "1")
        else:
            await reader.redis.acl_setuser("default", enabled=True, commands=["-xreadgroup"])
        await reader.redis.config_resetstat()
        await asyncio.sleep(2)

        stats: Any = await reader.redis.info("commandstats")
        tries = stats.get("cmdstat_xreadgroup", {"calls": 0, "rejected_calls": 0})
        assert tries["calls"] + tries["rejected_calls"] <= 50
        assert len(caplog.records) <= 3
        assert not reader.task.done()

        await reader.redis.replicaof("NO", "ONE")
        await reader.redis.acl_setuser("default", enabled=True, categories=["+@all"])
        await reads_on(reader, reader.redis)


async def test_a_failing_handler_is_logged_and_its_entries_stay_pending(
    redis: Redis, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_: list[Entry[Note]]) -> None:
        raise ZeroDivisionError("a bug")

    stop = asyncio.Event()
    source = Source(STREAM, GROUP, "reader")
    consumer = StreamConsumer(
        source, TypeAdapter(Note), fail, redis=redis, redis_url=SecretStr(redis_url), max_records=1
    )
    await add(redis, "first")
    task = asyncio.create_task(consumer.run(stop))

    async def logged() -> bool:
        return any(record.exc_info for record in caplog.records)

    await eventually(logged)
    pending: Any = await redis.xpending(STREAM, GROUP)
    assert pending["pending"] == 1
    stop.set()
    await asyncio.wait_for(task, timeout=20)


async def test_a_consumer_that_nobody_watches_any_more_is_not_alive(
    redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reading(redis_url) as reader:
        assert await reader.consumer.is_watched() is None
        await add(redis, "first")
        await eventually(lambda: reader.has_read("first"))
        reader.task.cancel()
        await asyncio.wait([reader.task], timeout=20)
        monkeypatch.setattr(consumer_module, "SILENCE_SECONDS", 0.0)
        assert "hangs" in (await reader.consumer.is_watched() or "")
