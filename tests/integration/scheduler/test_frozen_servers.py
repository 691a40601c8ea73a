"""A server that accepts connections and never answers: services wait, live and go on after it."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr

from common.mongo_client import create_mongo
from local_stack.servers import MongoServer, RedisServer
from tests.integration.engine_data import create_job, eventually, find_job, find_runs
from tests.integration.engine_harness import Servers
from tests.integration.engine_processes import (
    gateway_process,
    scheduler_process,
    worker_process,
)

FROZEN_SECONDS = 8.0
"""Longer than a command waits for its answer (5 s), and than a pass or a lease lasts (1 s)."""


@pytest.mark.parametrize("frozen", ["redis", "mongod"])
async def test_services_live_through_a_server_that_never_answers_and_lose_nothing(
    own_redis: RedisServer,
    own_mongodb: MongoServer,
    database_name: str,
    anvil_url: str,
    tmp_path: Path,
    frozen: str,
) -> None:
    servers = Servers(own_redis.url, own_mongodb.url, database_name, anvil_url)
    server = {"redis": own_redis, "mongod": own_mongodb}[frozen].process
    async with AsyncExitStack() as stack:
        processes = [
            stack.enter_context(start(servers, tmp_path))
            for start in (gateway_process, scheduler_process, worker_process)
        ]
        for process in processes:
            await process.wait_ready()
        mongo = await stack.enter_async_context(create_mongo(SecretStr(servers.mongodb_uri)))
        database = mongo[database_name]
        jobs = [
            await create_job(database, payload={"seconds": 0.5, "alerts": 1}) for _ in range(20)
        ]
        await eventually(lambda: find_runs(database, state="running"))

        server.send_signal(signal.SIGSTOP)
        loop = asyncio.get_running_loop()
        thaws_at = loop.time() + FROZEN_SECONDS
        while loop.time() < thaws_at:
            for process in processes:
                assert (await process.ask("/livez")).status_code == 200, process.child.name
            await asyncio.sleep(1)
        for process in processes:
            assert not await process.is_ready(), process.child.name
            assert len(process.log()) < 150, process.child.name
        server.send_signal(signal.SIGCONT)

        async def all_shown() -> bool:
            found = [await find_job(database, job_id) for job_id in jobs]
            return all(job["status"] == "completed" for job in found)

        await eventually(all_shown, within=90)
        assert len(await find_runs(database)) == len(jobs)
        assert await database["toy_results"].count_documents({}) == len(jobs)
        assert await database["alerts"].count_documents({}) == len(jobs)
        for process in processes:
            await process.wait_ready()
