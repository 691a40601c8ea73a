"""A replica set of several members loses its primary while jobs fire."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.engine_data import eventually, find_runs
from tests.integration.engine_harness import SchedulerReplica, Servers, Worker
from tests.integration.engine_oracle import UNFINISHED, Oracle, know
from tests.integration.engine_processes import gateway_process, post
from tests.integration.mongo_members import MongoMembers


@pytest.fixture
def members(servers_directory: Path, database_name: str) -> Iterator[MongoMembers]:
    """A running replica set of the test's own."""
    members = MongoMembers(servers_directory / f"members-{database_name}")
    try:
        members.start()
        yield members
    finally:
        members.kill()


async def test_primaries_killed_one_after_the_other_lose_and_double_nothing(
    members: MongoMembers, redis_url: str, database_name: str, anvil_url: str, tmp_path: Path
) -> None:
    servers = Servers(redis_url, members.uri, database_name, anvil_url)
    async with (
        SchedulerReplica(servers) as one,
        SchedulerReplica(servers) as two,
        Worker(servers) as worker,
    ):
        await one.create_indexes()
        for part in (one, two, worker):
            part.start()
        with gateway_process(servers, tmp_path) as gateway:
            await gateway.wait_ready()
            recurring = await post(gateway, type="retry", intervalMinutes=1 / 60)
            once = []

            async def post_once() -> bool:
                once.append(
                    await post(gateway, type="scheduled", scheduledAt="2024-01-15T10:00:00Z")
                )
                return once[-1] is not None

            for _ in range(2):
                for _ in range(5):
                    await eventually(post_once)
                primary = await asyncio.to_thread(members.primary)
                await asyncio.to_thread(primary.kill)
                for _ in range(5):
                    await eventually(post_once, within=60)
                assert await asyncio.to_thread(members.primary) is not primary
                await asyncio.to_thread(primary.launch)
            acknowledged = [job_id for job_id in once if job_id is not None]
            assert len(acknowledged) >= 20
            database = one.database
            oracle = Oracle(database)
            assert recurring is not None
            for job_id in (recurring, *acknowledged):
                await know(oracle, database, job_id)
            async with httpx.AsyncClient() as client:
                answer = await client.post(f"{gateway.health_url}/jobs/{recurring}/pause")
            assert answer.status_code == 200

        async def settled() -> bool:
            return not await find_runs(database, state={"$in": list(UNFINISHED)}) and not (
                await database["jobs"].count_documents({"nextRunAt": {"$ne": None}})
            )

        await eventually(settled, within=60)
        async for job in database["jobs"].find({"_id": {"$nin": list(oracle.jobs)}}):
            await know(oracle, database, job["_id"])  # stored, though nobody was told
        await oracle.check_settled()
        for job_id in acknowledged:
            (run,) = await find_runs(database, jobId=job_id)
            assert run["state"] == "completed", run
        completed = await find_runs(database, state="completed")
        assert await database["toy_results"].count_documents({}) == len(completed)
        assert one.failures == two.failures == worker.failures == []
