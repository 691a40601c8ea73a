"""New jobs that come together are stored together, and each request hears of its own job."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from beanie import init_beanie
from bson import ObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    BulkWriteError,
    DuplicateKeyError,
    PyMongoError,
    WriteConcernError,
    WriteError,
)

from common.documents import Job
from common.mongo_client import create_mongo
from gateway.connections import is_passing
from gateway.job_batches import JobInserts, insert_jobs
from gateway.settings import GatewaySettings
from local_stack.servers import MongoServer

Database = AsyncDatabase[dict[str, Any]]


def _documents(number: int) -> list[dict[str, Any]]:
    return [{"_id": ObjectId(), "number": index} for index in range(number)]


async def _stored(database: Database) -> list[int]:
    return [each["number"] async for each in database["jobs"].find().sort("number")]


@pytest.fixture
async def jobs(mongodb_uri: str, database_name: str) -> AsyncIterator[Database]:
    """A database of this test, in which nothing looks at jobs."""
    async with AsyncMongoClient[dict[str, Any]](mongodb_uri) as client:
        await init_beanie(client[database_name], document_models=[Job], skip_indexes=True)
        yield client[database_name]


async def test_jobs_that_come_together_are_stored_by_one_command(jobs: Database) -> None:
    inserts = JobInserts(timeout_seconds=30)
    await jobs.command("profile", 2)

    await asyncio.gather(*(inserts.insert(document) for document in _documents(20)))

    assert await _stored(jobs) == list(range(20))
    profiled = {"op": "insert", "ns": f"{jobs.name}.jobs"}
    assert await jobs["system.profile"].count_documents(profiled) == 1


async def test_a_job_that_comes_alone_is_stored_at_once(jobs: Database) -> None:
    [document] = _documents(1)

    await JobInserts(timeout_seconds=30).insert(document)

    assert await _stored(jobs) == [0]


async def test_a_duplicate_is_told_to_its_own_request_alone(jobs: Database) -> None:
    inserts = JobInserts(timeout_seconds=30)
    documents = _documents(5)
    await jobs["jobs"].insert_one({**documents[3], "number": 99})

    outcomes = await asyncio.gather(
        *(inserts.insert(document) for document in documents), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [
        *(type(None), type(None), type(None), DuplicateKeyError, type(None))
    ]
    assert await _stored(jobs) == [0, 1, 2, 4, 99]
    with pytest.raises(DuplicateKeyError):
        await inserts.insert(documents[3])


async def test_what_mongodb_refuses_is_told_to_its_own_request_alone(jobs: Database) -> None:
    inserts = JobInserts(timeout_seconds=30)
    await jobs.create_collection("jobs", validator={"number": {"$ne": 1}})

    outcomes = await asyncio.gather(
        *(inserts.insert(document) for document in _documents(3)), return_exceptions=True
    )

    assert outcomes[0] is outcomes[2] is None
    assert isinstance(outcomes[1], WriteError)
    assert not is_passing(outcomes[1])
    assert await _stored(jobs) == [0, 2]


async def test_a_request_that_goes_away_leaves_the_others_alone(jobs: Database) -> None:
    inserts = JobInserts(timeout_seconds=30)
    going, *others = (asyncio.create_task(inserts.insert(each)) for each in _documents(5))
    await asyncio.sleep(0)
    going.cancel()

    await asyncio.gather(*others)

    assert going.cancelled()
    assert set(await _stored(jobs)) >= {1, 2, 3, 4}


async def test_jobs_that_no_majority_has_are_not_acknowledged(
    mongodb_uri: str, database_name: str
) -> None:
    settings = GatewaySettings.model_validate({"mongodb_uri": mongodb_uri})
    # a replica set of one member never has what two members have
    async with create_mongo(settings.mongodb_uri, w=2, wTimeoutMS=50) as client:
        await init_beanie(client[database_name], document_models=[Job], skip_indexes=True)

        with pytest.raises(WriteConcernError):
            await insert_jobs(_documents(1))
        with pytest.raises(BulkWriteError, match="batch op errors"):
            await insert_jobs(_documents(2))


async def test_an_outage_is_told_to_every_request_in_its_own_time(own_mongodb: MongoServer) -> None:
    timeout_seconds = 4.0
    async with AsyncMongoClient[dict[str, Any]](own_mongodb.url) as client:
        await init_beanie(client["outage"], document_models=[Job], skip_indexes=True)
        inserts = JobInserts(timeout_seconds)
        first, *later = _documents(4)
        await inserts.insert(first)
        own_mongodb.process.send_signal(signal.SIGSTOP)
        asked_at = time.monotonic()

        async def ask(document: dict[str, Any]) -> BaseException:
            with pytest.raises(PyMongoError) as caught:
                await inserts.insert(document)
            return caught.value

        under_way = asyncio.create_task(ask(later[0]))
        await asyncio.sleep(0.2)
        errors = await asyncio.gather(under_way, *(ask(document) for document in later[1:]))

        took_seconds = time.monotonic() - asked_at
        own_mongodb.process.send_signal(signal.SIGCONT)
    assert all(isinstance(error, PyMongoError) and is_passing(error) for error in errors)
    # those who waited for the first insert did not begin to wait anew
    assert took_seconds < 2 * timeout_seconds
