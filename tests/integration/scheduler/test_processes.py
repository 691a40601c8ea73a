"""Real processes that are killed, frozen and stopped in the middle of their work."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from local_stack.servers import RedisServer
from tests.integration.engine_data import (
    Database,
    create_job,
    eventually,
    find_executions,
    find_job,
    find_runs,
)
from tests.integration.engine_harness import SchedulerReplica, Servers, Worker
from tests.integration.engine_processes import kill, scheduler_process, worker_process


async def one_run(database: Database, **criteria: Any) -> dict[str, Any]:
    """Wait until the only run looks like this, and return it."""

    async def probe() -> Any:
        return await find_runs(database, **criteria)

    (run,) = await eventually(probe)
    return dict(run)


async def entered(database: Database, times: int) -> None:
    """Wait until the handler has been entered so often."""

    async def probe() -> bool:
        return await database["executions"].count_documents({}) >= times

    await eventually(probe)


async def test_a_run_whose_worker_is_killed_is_completed_by_another_with_one_result(
    servers: Servers, tmp_path: Path
) -> None:
    async with SchedulerReplica(servers) as scheduler, Worker(servers) as rescuer:
        db = scheduler.database
        scheduler.start()
        with worker_process(servers, tmp_path) as victim:
            await victim.wait_ready()
            job_id = await create_job(db, payload={"seconds": 5.0, "alerts": 3})
            await entered(db, 1)
            run = await one_run(db, state="running")
            await kill(victim)
        rescuer.start()
        done = await one_run(db, state="completed")
        assert (done["attempt"], done["worker"]) == (2, rescuer.name)
        assert [error["type"] for error in done["errors"]] == ["LeaseLost"]
        assert run["worker"] in done["errors"][0]["message"]

        async def shown() -> bool:  # the job is written after its run
            return bool((await find_job(db, job_id))["status"] == "completed")

        await eventually(shown)
        assert await db["toy_results"].count_documents({}) == 1
        assert await db["alerts"].count_documents({}) == 3


async def test_a_worker_that_was_frozen_past_its_lease_doubles_nothing_when_it_wakes_up(
    servers: Servers, tmp_path: Path
) -> None:
    async with SchedulerReplica(servers) as scheduler, Worker(servers) as rescuer:
        db = scheduler.database
        scheduler.start()
        with worker_process(servers, tmp_path) as sleeper:
            await sleeper.wait_ready()
            await create_job(db, payload={"seconds": 4.0, "alerts": 3})
            await entered(db, 1)
            await one_run(db, state="running")
            sleeper.child.send_signal(signal.SIGSTOP)
            rescuer.start()
            before = await one_run(db, state="completed")
            result = await db["toy_results"].find_one()

            sleeper.child.send_signal(signal.SIGCONT)

            async def finished_late() -> bool:
                return any(line["message"] == "run completed" for line in sleeper.log())

            await eventually(finished_late)
        await asyncio.sleep(0.3)
        assert (await find_runs(db)) == [before]
        assert before["attempt"] == 2
        assert await db["toy_results"].find().to_list() == [result]
        assert await db["alerts"].count_documents({}) == 3
        assert len(await find_executions(db, before["_id"])) == 2


async def test_a_worker_goes_by_the_thresholds_of_its_action_among_those_of_all(
    servers: Servers, tmp_path: Path
) -> None:
    thresholds = '{"wallet_snapshot": {"spamScore": 0.8}, "analyze_coin_flows": {"dormantDays": 9}}'
    async with SchedulerReplica(servers) as scheduler:
        scheduler.start()
        with worker_process(servers, tmp_path, THRESHOLDS=thresholds) as worker:
            await worker.wait_ready()
            await create_job(scheduler.database)
            run = await one_run(scheduler.database, state="completed")
            [execution] = await find_executions(scheduler.database, run["_id"])
            assert execution["thresholds"] == {"spamScore": 0.8}


@pytest.mark.parametrize("in_time", [True, False], ids=["in time", "too late"])
async def test_a_worker_that_is_stopped_ends_its_run_or_gives_it_back(
    servers: Servers, tmp_path: Path, in_time: bool
) -> None:
    async with SchedulerReplica(servers) as scheduler:
        db = scheduler.database
        scheduler.start()
        with worker_process(servers, tmp_path, grace_seconds=20 if in_time else 0.1) as worker:
            await worker.wait_ready()
            await create_job(db, payload={"seconds": 1.0 if in_time else 60.0})
            await entered(db, 1)
            worker.child.send_signal(signal.SIGTERM)
            assert await worker.wait_ended() == 0
            messages = [line["message"] for line in worker.log()]
            assert "waiting for running attempts" in messages
            assert messages[-1] == "stopped"
        if in_time:
            assert (await one_run(db, state="completed"))["attempt"] == 1
        else:
            run = await one_run(db, attempt=2)
            assert run["errors"][0]["type"] == "WorkerShutdown"


async def test_a_scheduler_that_is_killed_and_one_that_is_stopped_leave_nothing_behind(
    mongodb_uri: str, database_name: str, anvil_url: str, own_redis: RedisServer, tmp_path: Path
) -> None:
    secret = "s3cret"
    async with Redis.from_url(own_redis.url) as redis:
        await redis.config_set("requirepass", secret)
    url = own_redis.url.replace("redis://", f"redis://:{secret}@")
    servers = Servers(url, mongodb_uri, database_name, anvil_url)
    async with Worker(servers) as worker:
        worker.start()
        db = worker.mongo[database_name]
        with scheduler_process(servers, tmp_path) as first:
            await first.wait_ready()
            jobs = [await create_job(db, payload={"seconds": 0.5}) for _ in range(10)]
            await entered(db, 1)
            await kill(first)
        with scheduler_process(servers, tmp_path) as second:
            await second.wait_ready()

            async def all_completed() -> bool:
                found = [await find_job(db, job_id) for job_id in jobs]
                return all(job["status"] == "completed" for job in found)

            await eventually(all_completed)
            assert len(await find_runs(db)) == len(jobs)

            assert (await second.ask("/livez")).json() == {"status": "ok", "failed": {}}
            metrics = (await second.ask("/metrics")).text
            assert "jobs_emitted_events_total" in metrics
            assert (await second.ask("/elsewhere")).status_code == 404

            await asyncio.to_thread(own_redis.kill)
            answer = await eventually(lambda: _unready(second))
            assert "redis" in answer["failed"]
            assert (await second.ask("/livez")).status_code == 200

            second.child.send_signal(signal.SIGTERM)
            assert await second.wait_ended() == 0
        for process in (first, second):
            text = process.child.log_path.read_text()
            assert secret not in text
            assert "color_message" not in text
            assert "Traceback" not in text
            assert {line["service"] for line in process.log()} == {"scheduler"}
        assert [line["message"] for line in second.log()][-1] == "stopped"
        assert len(second.log()) < 60


async def _unready(process: Any) -> dict[str, Any]:
    answer = await process.ask("/readyz")
    return dict(answer.json()) if answer.status_code == 503 else {}
