"""The disk of Redis is full for a while: it takes no writes, and nothing is lost or doubled.

A limit on the size of its files stands for the disk: the append-only file cannot grow, as on a full
disk, and Redis answers MISCONF to every write until it can.
"""

import asyncio
import resource
from pathlib import Path

import psutil
import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from local_stack.servers import RedisServer
from tests.integration.engine_data import create_job, eventually, find_job, find_runs
from tests.integration.engine_harness import SchedulerReplica, Servers, Worker


def limit_files(server: RedisServer, most_bytes: int) -> None:
    """Let none of the server's files grow beyond `most_bytes`."""
    process = psutil.Process(server.process.pid)
    process.rlimit(psutil.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))


def directory_of(server: RedisServer) -> Path:
    """Return where its files lie."""
    command = server.process.command
    return Path(command[command.index("--dir") + 1])


async def fill(server: RedisServer) -> None:
    """Fill its disk, until it refuses a write."""
    limit_files(
        server, max(file.stat().st_size for file in directory_of(server).rglob("*.aof")) + 4_096
    )
    async with Redis.from_url(server.url) as redis:

        async def refused() -> bool:
            try:
                await redis.set("filling", "x" * 1_000)
            except ResponseError as error:
                return "MISCONF" in str(error)
            return False

        await eventually(refused)


@pytest.mark.parametrize("remedy", ["room", "restart"])
async def test_a_full_disk_of_redis_delays_and_loses_and_doubles_nothing(
    mongodb_uri: str,
    database_name: str,
    anvil_url: str,
    own_redis: RedisServer,
    caplog: pytest.LogCaptureFixture,
    remedy: str,
) -> None:
    servers = Servers(own_redis.url, mongodb_uri, database_name, anvil_url)
    async with SchedulerReplica(servers) as scheduler, Worker(servers) as worker:
        await scheduler.create_indexes()
        database = scheduler.database
        scheduler.start()
        worker.start()
        jobs = [
            await create_job(database, payload={"seconds": 0.5, "alerts": 1}, maxAttempts=20)
            for _ in range(20)
        ]
        await eventually(lambda: find_runs(database, state="running"))
        await fill(own_redis)
        jobs += [await create_job(database) for _ in range(5)]
        await asyncio.sleep(3)
        assert await find_runs(database, state={"$in": ["queued", "running"]})
        assert any(line.message.startswith("cannot ") for line in caplog.records)
        assert len(caplog.records) < 60
        if remedy == "room":
            limit_files(own_redis, resource.RLIM_INFINITY)
        else:
            await asyncio.to_thread(own_redis.kill)
            await asyncio.to_thread(own_redis.start)

        async def all_shown() -> bool:
            found = [await find_job(database, job_id) for job_id in jobs]
            return all(job["status"] == "completed" for job in found)

        await eventually(all_shown, within=60)
        assert scheduler.failures == worker.failures == []
        assert len(await find_runs(database)) == len(jobs)
        assert await database["toy_results"].count_documents({}) == len(jobs)
        assert await database["alerts"].count_documents({}) == 20
