"""Real processes on real servers, killed and frozen at random moments, under load.

The moments are drawn from a seed; where exactly they hit depends on the machine, what must be true
afterwards does not.
"""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest
from pydantic import SecretStr
from pymongo.errors import PyMongoError
from redis.asyncio import Redis

from common.mongo_client import create_mongo
from local_stack.servers import MongoServer, RedisServer
from tests.integration.engine_data import (
    create_job,
    eventually,
    find_job,
    find_runs,
)
from tests.integration.engine_harness import SchedulerReplica, Servers, Worker
from tests.integration.engine_oracle import UNFINISHED, Oracle, know
from tests.integration.engine_processes import (
    ServiceProcess,
    gateway_process,
    post,
    scheduler_process,
    worker_process,
)

Blow = Callable[[], Awaitable[object]]


@pytest.fixture
def own_servers(
    own_mongodb: MongoServer, own_redis: RedisServer, database_name: str, anvil_url: str
) -> Servers:
    """Servers that the test may do anything to."""
    return Servers(own_redis.url, own_mongodb.url, database_name, anvil_url)


async def step_down(uri: str) -> None:
    """Let the primary step down; being alone, it is elected again after a second."""
    async with create_mongo(SecretStr(uri)) as client:
        try:
            await client.admin.command({"replSetStepDown": 1, "force": True})
        except PyMongoError:  # it closes all connections, this one too
            return


async def flush(url: str) -> None:
    async with Redis.from_url(url) as redis:
        await redis.flushall()


@pytest.mark.parametrize("seed", [1])
async def test_processes_killed_and_frozen_at_random_lose_double_and_stall_nothing(
    own_servers: Servers, tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)  # noqa: S311  # moments, not secrets
    with ExitStack() as stack:
        processes = [
            stack.enter_context(start(own_servers, tmp_path))
            for start in (
                *(gateway_process, scheduler_process, scheduler_process),
                *(worker_process, worker_process),
            )
        ]
        gateway = processes[0]
        for process in processes:
            await process.wait_ready()
        async with create_mongo(SecretStr(own_servers.mongodb_uri)) as mongo:
            database = mongo[own_servers.database_name]
            oracle = Oracle(database)
            interval = {"type": "retry", "intervalMinutes": 1 / 60 + 0.001}
            recurring = [await post(gateway, **interval) for _ in range(3)]
            assert None not in recurring
            acknowledged = [*recurring]
            once_at = {"type": "scheduled", "scheduledAt": "2024-01-15T10:00:00Z"}
            blows: list[Blow] = [
                *(partial(_kill, victim) for victim in processes),
                *(partial(_freeze, victim, draw.uniform(0.5, 4)) for victim in processes),
                lambda: flush(own_servers.redis_url),
                lambda: step_down(own_servers.mongodb_uri),
            ]
            draw.shuffle(blows)
            for blow in blows:
                await asyncio.sleep(draw.uniform(0, 0.5))
                acknowledged.append(await eventually(partial(post, gateway, **once_at)))
                await blow()
            for process in processes:
                await process.wait_ready()
            for job_id in acknowledged:
                if job_id is not None:
                    await know(oracle, database, job_id)
            async with httpx.AsyncClient() as client:
                for job_id in recurring:
                    answer = await client.post(f"{gateway.health_url}/jobs/{job_id}/pause")
                    assert answer.status_code == 200

            async def settled() -> bool:
                unfinished = await find_runs(database, state={"$in": list(UNFINISHED)})
                due = await database["jobs"].count_documents({"nextRunAt": {"$ne": None}})
                return not unfinished and not due

            await eventually(settled, within=120)
            stored = {job["_id"] async for job in database["jobs"].find({}, {"_id": 1})}
            for job_id in stored - set(oracle.jobs):  # stored, though nobody was told
                await know(oracle, database, job_id)
            await oracle.check_settled()
            once = [each for each in oracle.jobs if each not in recurring]
            for job_id in once:
                (run,) = await find_runs(database, jobId=job_id)
                assert run["state"] == "completed", run
        assert len(once) >= len(blows)


async def _kill(process: ServiceProcess) -> None:
    await asyncio.to_thread(process.child.kill)
    await asyncio.to_thread(process.child.start)


async def _freeze(process: ServiceProcess, seconds: float) -> None:
    process.child.send_signal(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    process.child.send_signal(signal.SIGCONT)


async def _demote(server: RedisServer) -> None:
    async with Redis.from_url(server.url) as redis:
        await redis.replicaof("127.0.0.1", "1")
        await asyncio.sleep(2)
        await redis.replicaof("NO", "ONE")


async def _fill(server: RedisServer) -> None:
    async with Redis.from_url(server.url) as redis:
        await redis.config_set("maxmemory", "1")
        await asyncio.sleep(2)
        await redis.config_set("maxmemory", "0")


async def _restart(server: MongoServer) -> None:
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(1)
    await asyncio.to_thread(server.start)


@pytest.mark.parametrize("blow", ["READONLY", "OOM", "step-down", "restart of MongoDB"])
async def test_a_server_that_refuses_for_a_while_loses_and_doubles_nothing(
    own_servers: Servers,
    own_redis: RedisServer,
    own_mongodb: MongoServer,
    blow: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    blows: dict[str, Blow] = {
        "READONLY": lambda: _demote(own_redis),
        "OOM": lambda: _fill(own_redis),
        "step-down": lambda: step_down(own_mongodb.url),
        "restart of MongoDB": lambda: _restart(own_mongodb),
    }
    async with SchedulerReplica(own_servers) as scheduler, Worker(own_servers) as worker:
        await scheduler.create_indexes()
        database = scheduler.database
        scheduler.start()
        worker.start()
        jobs = [
            await create_job(database, payload={"seconds": 0.3, "alerts": 1}, maxAttempts=20)
            for _ in range(20)
        ]
        await eventually(lambda: find_runs(database, state="running"))
        await blows[blow]()
        jobs += [await create_job(database) for _ in range(5)]

        async def all_shown() -> bool:
            found = [await find_job(database, job_id) for job_id in jobs]
            return all(job["status"] == "completed" for job in found)

        await eventually(all_shown, within=60)
        assert scheduler.failures == worker.failures == []
        assert len(await find_runs(database, state="completed")) == len(jobs)
        assert await database["toy_results"].count_documents({}) == len(jobs)
        assert await database["alerts"].count_documents({}) == 20
        assert len(caplog.records) < 150


async def test_without_their_servers_all_services_live_wait_and_hardly_write_a_log(
    own_servers: Servers, own_redis: RedisServer, own_mongodb: MongoServer, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        processes = [
            stack.enter_context(start(own_servers, tmp_path))
            for start in (gateway_process, scheduler_process, worker_process)
        ]
        for process in processes:
            await process.wait_ready()
        for server in (own_redis, own_mongodb):
            await asyncio.to_thread(server.kill)
        await asyncio.sleep(3)  # what begins an outage is past: connections end, are tried again
        before = [_spent(process) for process in processes]
        await asyncio.sleep(5)
        for process, (seconds, lines) in zip(processes, before, strict=True):
            spent, written = _spent(process)
            name = process.child.name
            assert spent - seconds < 2.5, f"{name} spins"
            assert written - lines < 30, f"{name} floods its log"
            assert not await process.is_ready(), name
            assert (await process.ask("/livez")).status_code == 200, name
        for server in (own_redis, own_mongodb):
            await asyncio.to_thread(server.start)
        for process in processes:
            await process.wait_ready()


def _spent(process: ServiceProcess) -> tuple[float, int]:
    """Return the CPU seconds and the lines of log of a process so far."""
    assert process.child.pid is not None
    times = psutil.Process(process.child.pid).cpu_times()
    return times.user + times.system, process.child.log_path.read_text().count("\n")


async def test_a_frozen_process_fails_its_liveness_probe(servers: Servers, tmp_path: Path) -> None:
    with ExitStack() as stack:
        processes = [
            stack.enter_context(start(servers, tmp_path))
            for start in (gateway_process, scheduler_process, worker_process)
        ]
        for process in processes:
            await process.wait_ready()
            process.child.send_signal(signal.SIGSTOP)
            async with httpx.AsyncClient(timeout=1) as client:
                with pytest.raises(httpx.TimeoutException):
                    await client.get(f"{process.health_url}/livez")
            process.child.send_signal(signal.SIGCONT)
            assert (await process.ask("/livez")).status_code == 200
