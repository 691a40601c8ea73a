"""A worker carries out attempts: within limits, side by side, each with one recorded effect."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from bson import ObjectId

from common.consumer import Source
from common.events import JobDue, RunStarted
from common.models import now_utc
from common.streams import OUTCOMES_STREAM, lease_key, to_entry
from common.worker.lease_scripts import Answer
from common.worker.leases import Leases
from local_stack.servers import RedisServer
from tests.integration.engine_data import (
    ACTION,
    STREAM,
    WORKERS,
    Document,
    eventually,
    find_executions,
    read_events,
)
from tests.integration.engine_harness import Servers, Worker


@pytest.fixture
async def worker(servers: Servers) -> AsyncIterator[Worker]:
    """A running worker."""
    async with Worker(servers, concurrency=8) as running:
        running.start()
        yield running


def due(**changes: Any) -> JobDue:
    job_id = str(ObjectId())
    given: dict[str, Any] = {
        "run_id": f"{job_id}:1",
        "job_id": job_id,
        "action": ACTION,
        "attempt": 1,
        "payload": {},
        "chain_id": None,
        "due_at": now_utc(),
        "timeout_seconds": 60,
    }
    return JobDue(**(given | changes))


async def emit(worker: Worker, *events: JobDue) -> None:
    for event in events:
        await worker.redis.xadd(STREAM, to_entry(event))


async def outcomes(worker: Worker, *kinds: str) -> list[Document]:
    """Wait for outcomes of these kinds and return all that are there."""

    async def probe() -> list[Document]:
        events = await read_events(worker.redis, OUTCOMES_STREAM)
        return events if set(kinds) <= {event["kind"] for event in events} else []

    return await eventually(probe)


async def nothing_pending(worker: Worker) -> None:
    async def probe() -> bool:
        found: Any = await worker.redis.xpending(STREAM, WORKERS)
        return bool(found["pending"] == 0)

    await eventually(probe)


async def test_an_attempt_tells_its_start_its_steps_and_its_end(worker: Worker) -> None:
    event = due(payload={"alerts": 2})
    await emit(worker, event)
    started, progress, completed = await outcomes(worker, "completed")
    assert (started["kind"], started["worker"]) == ("started", worker.name)
    assert (progress["kind"], progress["step"]) == ("progress", "working")
    assert (completed["result_id"], completed["alerts_count"]) == (event.run_id, 2)
    assert completed["summary"] == {"worker": worker.name}
    await nothing_pending(worker)


async def test_a_run_whose_result_is_stored_is_completed_without_doing_it_again(
    worker: Worker,
) -> None:
    event = due()
    await emit(worker, event)
    await outcomes(worker, "completed")
    await emit(worker, event.model_copy(update={"attempt": 2}))

    async def twice() -> bool:
        events = await read_events(worker.redis, OUTCOMES_STREAM)
        return [each["kind"] for each in events].count("completed") == 2

    await eventually(twice)
    database = worker.mongo[worker.settings.mongodb_database]
    assert len(await find_executions(database, event.run_id)) == 1
    (result,) = await database["toy_results"].find().to_list()
    assert result["attempt"] == 1


@pytest.mark.parametrize(
    ("payload", "error_type", "message", "retryable"),
    [
        ({"failing_executions": 1}, "JobError", "told to fail", True),
        ({"failing_executions": 1, "failure": "final"}, "JobError", "told to fail", False),
        ({"failing_executions": 1, "failure": "bug"}, "ZeroDivisionError", "a bug", True),
        ({"seconds": "long"}, "PayloadError", "seconds", False),
        ({"chainId": 5}, "UnknownChain", "chain 5", False),
    ],
    ids=["passing", "final", "bug", "payload", "chain"],
)
async def test_a_failed_attempt_tells_why_and_whether_another_makes_sense(
    worker: Worker, payload: dict[str, Any], error_type: str, message: str, retryable: bool
) -> None:
    await emit(worker, due(payload=payload, chain_id=payload.get("chainId")))
    failed = (await outcomes(worker, "failed"))[-1]
    assert failed["error"]["type"] == error_type
    assert message in failed["error"]["message"]
    assert error_type in failed["error"]["traceback"]
    assert failed["retryable"] is retryable
    await nothing_pending(worker)


async def test_an_attempt_that_takes_too_long_is_ended(worker: Worker) -> None:
    await emit(worker, due(payload={"seconds": 60}, timeout_seconds=1))
    failed = (await outcomes(worker, "failed"))[-1]
    assert failed["error"]["type"] == "TimeoutError"
    assert "longer than its timeout of 1 s" in failed["error"]["message"]
    assert failed["retryable"]


async def test_a_payload_of_megabytes_is_refused_by_its_contract_not_by_a_crash(
    worker: Worker,
) -> None:
    await emit(worker, due(payload={"failure": "x" * 5_000_000}), due())
    events = await outcomes(worker, "failed", "completed")
    failed = next(each for each in events if each["kind"] == "failed")
    assert len(failed["error"]["message"]) <= 2_000
    assert len(failed["error"]["traceback"]) <= 20_000
    assert worker.failures == []


async def test_entries_that_are_not_due_events_hold_up_nobody(worker: Worker) -> None:
    sound = due()
    broken = {**sound.model_dump(mode="json"), "timeout_seconds": 0}
    await worker.redis.xadd(STREAM, {"__data__": str(broken)})
    await worker.redis.xadd(STREAM, {"__data__": '{"run_id": 1}'})
    await emit(worker, sound)
    await outcomes(worker, "completed")
    assert len(await read_events(worker.redis, "jobs.dead")) == 2
    await nothing_pending(worker)


async def test_no_more_attempts_run_side_by_side_than_allowed(servers: Servers) -> None:
    async with Worker(servers, concurrency=3) as worker:
        worker.start()
        await emit(worker, *(due(payload={"seconds": 0.3}) for _ in range(7)))
        most = 0

        async def all_done() -> bool:
            nonlocal most
            most = max(most, len(worker.service._running))
            events = await read_events(worker.redis, OUTCOMES_STREAM)
            return [each["kind"] for each in events].count("completed") == 7

        await eventually(all_done, every=0.005)
        assert most == 3


async def test_a_worker_holds_no_more_than_it_carries_out_whatever_the_backlog(
    servers: Servers,
) -> None:
    async with Worker(servers, concurrency=8) as worker:
        async with worker.redis.pipeline(transaction=False) as pipe:
            for _ in range(20_000):
                pipe.xadd(STREAM, to_entry(due()))
            await pipe.execute()
        worker.start()
        most_held = most_tasks = 0

        async def many_done() -> bool:
            nonlocal most_held, most_tasks
            held: Any = await worker.redis.xpending(STREAM, WORKERS)
            most_held = max(most_held, held["pending"])
            most_tasks = max(most_tasks, len(worker.service._running))
            return len(await read_events(worker.redis, OUTCOMES_STREAM)) >= 300

        await eventually(lambda: worker.redis.exists(OUTCOMES_STREAM))
        await eventually(many_done, every=0.001)
        # an entry that has just ended is acknowledged while its task is about to end
        assert 1 < most_held <= 8 + worker.service.batch_size
        assert 1 < most_tasks <= 8


async def test_an_entry_never_waits_inside_a_busy_worker(servers: Servers) -> None:
    async with Worker(servers, concurrency=1) as busy, Worker(servers, concurrency=1) as idle:
        busy.start()
        await emit(busy, due(payload={"seconds": 60}))
        await outcomes(busy, "started")
        await emit(busy, due(), due())
        idle.start()
        events = await outcomes(idle, "completed")
        completed = [each for each in events if each["kind"] == "completed"]
        assert {each["summary"]["worker"] for each in completed} == {idle.name}


async def test_a_lease_is_held_as_long_as_the_attempt_takes(worker: Worker) -> None:
    event = due(payload={"seconds": 2.0})
    key = lease_key(event.run_id, 1)
    await emit(worker, event)
    await outcomes(worker, "started")
    for _ in range(10):
        assert await worker.redis.pttl(key) > 0
        await asyncio.sleep(0.1)
    await outcomes(worker, "completed")
    assert await worker.redis.get(key) == b"finished"
    assert await worker.redis.ttl(key) > 10


async def test_a_lease_forgotten_by_redis_is_written_again(worker: Worker) -> None:
    event = due(payload={"seconds": 60})
    await emit(worker, event)
    await outcomes(worker, "started")
    await worker.redis.flushall()

    async def written() -> bool:
        return bool(await worker.redis.exists(lease_key(event.run_id, 1)))

    await eventually(written)
    await emit(worker, event)

    async def answered() -> bool:
        groups: Any = await worker.redis.xinfo_groups(STREAM)
        return bool(groups and groups[0]["lag"] == 0 and groups[0]["pending"] == 0)

    await eventually(answered)
    database = worker.mongo[worker.settings.mongodb_database]
    assert len(await find_executions(database, event.run_id)) == 1


async def test_an_attempt_whose_lease_is_somebody_elses_is_abandoned_without_a_word(
    worker: Worker,
) -> None:
    event = due(payload={"seconds": 1.0})
    await emit(worker, event)
    await outcomes(worker, "started")
    await worker.redis.set(lease_key(event.run_id, 1), "another worker")

    async def idle() -> bool:
        return not worker.service._running

    await eventually(idle)
    kinds = [each["kind"] for each in await read_events(worker.redis, OUTCOMES_STREAM)]
    assert "completed" not in kinds
    assert "failed" not in kinds
    assert await worker.redis.get(lease_key(event.run_id, 1)) == b"another worker"


async def test_a_lease_whose_answer_was_lost_is_taken_once(worker: Worker) -> None:
    """The client sends a command again when the connection broke before the answer."""
    event = due()
    identity = event.model_dump(include={"run_id", "job_id", "action", "attempt"})
    started = RunStarted(**identity, worker=worker.name, at=now_utc())
    source = Source(STREAM, WORKERS, worker.name)
    without_answer = Leases(worker.redis, source, lease_seconds=60, heartbeat_seconds=20)
    assert await without_answer.start(started, "7-0", bool) is Answer.TAKEN
    assert await worker.leases.start(started, "7-0", bool) is Answer.TAKEN
    assert await worker.leases.start(started, "8-0", bool) is Answer.REFUSED
    assert await worker.redis.xlen(OUTCOMES_STREAM) == 1


async def test_heartbeats_during_the_publication_of_an_outcome_abandon_nothing(
    servers: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    async with Worker(servers, concurrency=50, lease_seconds=0.02) as worker:
        worker.start()
        await emit(worker, *(due() for _ in range(100)))

        async def all_done() -> bool:
            events = await read_events(worker.redis, OUTCOMES_STREAM)
            return [each["kind"] for each in events].count("completed") >= 100

        await eventually(all_done)
        assert [each.message for each in caplog.records if each.levelno >= logging.ERROR] == []


async def test_a_stopping_worker_ends_what_it_does_and_takes_nothing_new(
    servers: Servers,
) -> None:
    async with Worker(servers, grace_seconds=30) as worker:
        worker.start()
        await emit(worker, due(payload={"seconds": 0.7}))
        await outcomes(worker, "started")
        await worker.stop()
        await emit(worker, due())
        kinds = [each["kind"] for each in await read_events(worker.redis, OUTCOMES_STREAM)]
        assert kinds == ["started", "progress", "completed"]
        assert worker.failures == []


async def test_a_stopping_worker_gives_back_what_it_cannot_end_in_time(
    servers: Servers,
) -> None:
    async with Worker(servers, grace_seconds=0.1) as worker:
        worker.start()
        await emit(worker, due(payload={"seconds": 60}))
        await outcomes(worker, "started")
        await worker.stop()
        failed = (await outcomes(worker, "failed"))[-1]
        assert (failed["error"]["type"], failed["retryable"]) == ("WorkerShutdown", True)
        await nothing_pending(worker)


async def test_a_full_redis_neither_floods_the_log_nor_loses_an_attempt(
    mongodb_uri: str,
    database_name: str,
    anvil_url: str,
    own_redis: RedisServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    servers = Servers(own_redis.url, mongodb_uri, database_name, anvil_url)
    async with Worker(servers, concurrency=8) as worker:
        worker.start()
        await emit(worker, due())
        await outcomes(worker, "completed")
        events = [due() for _ in range(40)]
        async with worker.redis.pipeline(transaction=True) as pipe:
            for event in [*events, events[0]]:
                pipe.xadd(STREAM, to_entry(event))
            pipe.config_set("maxmemory", "1")
            await pipe.execute()
        await asyncio.sleep(2)
        assert worker.failures == []
        assert len(caplog.records) <= 5

        await worker.redis.config_set("maxmemory", "0")

        async def all_done() -> bool:
            found = await read_events(worker.redis, OUTCOMES_STREAM)
            return [each["kind"] for each in found].count("completed") == 41

        await eventually(all_done)
        await nothing_pending(worker)
        database = worker.mongo[database_name]
        for event in events:
            assert len(await find_executions(database, event.run_id)) == 1
