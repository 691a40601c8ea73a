"""Streams stay short: what was processed goes, what is needed stays."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import REGISTRY

from common.models import now_utc, to_millis
from common.streams import DEAD_STREAM, OUTCOMES_STREAM, SCHEDULER_GROUP
from scheduler import janitor
from tests.integration.engine_data import STREAM, WORKERS
from tests.integration.engine_harness import SchedulerReplica, Servers


@pytest.fixture
async def scheduler(servers: Servers) -> AsyncIterator[SchedulerReplica]:
    """A scheduler whose parts the test moves by hand."""
    async with SchedulerReplica(servers) as replica:
        yield replica


async def test_streams_lose_only_what_their_group_has_processed(
    scheduler: SchedulerReplica,
) -> None:
    redis = scheduler.redis
    ids = [await redis.xadd(STREAM, {"n": number}) for number in range(1_000)]
    await redis.xgroup_create(STREAM, WORKERS, id="0")
    await redis.xreadgroup(WORKERS, "w", {STREAM: ">"}, count=700)
    await redis.xack(STREAM, WORKERS, *ids[:450], *ids[460:690])
    await scheduler.janitor.sweep()

    left: Any = await redis.xrange(STREAM)
    left_ids = [entry_id for entry_id, _ in left]
    assert left_ids[-550:] == ids[450:]
    assert len(left_ids) < 700
    gauges = {
        name: REGISTRY.get_sample_value(f"jobs_stream_{name}_entries", {"stream": STREAM})
        for name in ("lag", "pending")
    }
    assert gauges == {"lag": 300, "pending": 20}

    await redis.xack(STREAM, WORKERS, *ids[:700])
    await scheduler.janitor.sweep()
    left = await redis.xrange(STREAM)
    assert [entry_id for entry_id, _ in left][-300:] == ids[700:]


async def test_outcomes_stay_for_a_while_for_those_who_follow_them_live(
    scheduler: SchedulerReplica,
) -> None:
    redis = scheduler.redis
    for _ in range(300):
        await redis.xadd(OUTCOMES_STREAM, {"n": "x"})
    await redis.xgroup_create(OUTCOMES_STREAM, SCHEDULER_GROUP, id="$")
    await scheduler.janitor.sweep()
    assert await redis.xlen(OUTCOMES_STREAM) == 300


async def test_a_flood_of_outcomes_is_limited_but_for_those_not_recorded(
    scheduler: SchedulerReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "OUTCOMES_KEPT", 100)
    redis = scheduler.redis
    ids = [await redis.xadd(OUTCOMES_STREAM, {"n": "x"}) for _ in range(600)]
    await redis.xgroup_create(OUTCOMES_STREAM, SCHEDULER_GROUP, id="0")
    for given, left in ((0, 600), (600, 600)):
        await redis.xreadgroup(SCHEDULER_GROUP, "s", {OUTCOMES_STREAM: ">"}, count=given or 1)
        await scheduler.janitor.sweep()
        assert await redis.xlen(OUTCOMES_STREAM) == left
    await redis.xack(OUTCOMES_STREAM, SCHEDULER_GROUP, *ids)
    await scheduler.janitor.sweep()
    assert 100 <= await redis.xlen(OUTCOMES_STREAM) < 300


async def test_a_flood_is_limited_although_some_outcomes_are_always_being_recorded(
    scheduler: SchedulerReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "OUTCOMES_KEPT", 1_000)
    redis = scheduler.redis
    begin_ms = to_millis(now_utc()) - 60_000
    ids = [f"{begin_ms + 10 * number}-0" for number in range(5_000)]
    for entry_id in ids:
        await redis.xadd(OUTCOMES_STREAM, {"n": "x"}, id=entry_id)
    await redis.xgroup_create(OUTCOMES_STREAM, SCHEDULER_GROUP, id="0")
    await redis.xreadgroup(SCHEDULER_GROUP, "s", {OUTCOMES_STREAM: ">"}, count=4_000)
    await redis.xack(OUTCOMES_STREAM, SCHEDULER_GROUP, *ids[:3_500])
    await scheduler.janitor.sweep()
    entries: Any = await redis.xrange(OUTCOMES_STREAM)
    left = [entry_id.decode() for entry_id, _ in entries]
    assert left[-1_500:] == ids[3_500:], "what is not recorded stays"
    assert len(left) < 1_700

    await redis.xreadgroup(SCHEDULER_GROUP, "s", {OUTCOMES_STREAM: ">"}, count=1_000)
    await redis.xack(OUTCOMES_STREAM, SCHEDULER_GROUP, *ids[3_500:4_990])
    await scheduler.janitor.sweep()
    assert 1_000 <= await redis.xlen(OUTCOMES_STREAM) < 1_200


async def test_a_stream_without_a_group_is_left_alone(scheduler: SchedulerReplica) -> None:
    await scheduler.redis.xadd(STREAM, {"n": "x"})
    assert not await scheduler.janitor.sweep()
    assert await scheduler.redis.xlen(STREAM) == 1


async def test_dead_letters_are_limited(
    scheduler: SchedulerReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "DEAD_LETTERS_KEPT", 100)
    for _ in range(500):
        await scheduler.redis.xadd(DEAD_STREAM, {"n": "x"})
    await scheduler.janitor.sweep()
    assert await scheduler.redis.xlen(DEAD_STREAM) < 300


async def test_entries_and_names_of_dead_workers_are_dropped_those_of_live_ones_stay(
    scheduler: SchedulerReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "STALE_MILLISECONDS", 300)
    monkeypatch.setattr(janitor, "UNUSED_CONSUMER_MILLISECONDS", 300)
    redis = scheduler.redis
    await redis.xgroup_create(STREAM, WORKERS, id="0", mkstream=True)
    for _ in range(2):
        await redis.xadd(STREAM, {"n": "x"})
    await redis.xreadgroup(WORKERS, "dead", {STREAM: ">"}, count=1)
    taken: Any = await redis.xreadgroup(WORKERS, "alive", {STREAM: ">"}, count=1)
    ((_, ((kept, _),)),) = taken
    await asyncio.sleep(0.5)
    await redis.xclaim(STREAM, WORKERS, "alive", 0, [kept], justid=True)
    await scheduler.janitor.sweep()
    pending: Any = await redis.xpending_range(STREAM, WORKERS, "-", "+", 10)
    assert [each["consumer"] for each in pending] == [b"alive"]
    consumers: Any = await redis.xinfo_consumers(STREAM, WORKERS)
    assert [each["name"] for each in consumers] == [b"alive"]
