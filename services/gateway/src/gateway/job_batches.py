"""Stores new jobs whose requests come together with one command."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pymongo
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError, WriteError

from common.batching import Batcher
from common.documents import Job
from common.mongo_client import DUPLICATE_KEY

_JOBS_OF_ONE_INSERT: Final = 1_000
_LEAST_SECONDS: Final = 0.1


@dataclass(frozen=True)
class _NewJob:
    document: dict[str, Any]
    asked_at: float = field(default_factory=time.monotonic)


class JobInserts:
    """Inserts jobs; those that come while an insert is under way make up the next."""

    def __init__(self, timeout_seconds: float) -> None:
        """Wait at most `timeout_seconds` for MongoDB, the wait for an earlier insert included."""
        self._timeout_seconds = timeout_seconds
        self._batches = Batcher(self._insert_together, _JOBS_OF_ONE_INSERT)

    async def insert(self, document: dict[str, Any]) -> None:
        """Store one job; returns when a majority has it.

        Raises:
            PyMongoError: MongoDB refused this job, or did not acknowledge it in time.
        """
        refusal = await self._batches.submit(_NewJob(document))
        if refusal is not None:
            raise refusal

    async def _insert_together(self, jobs: Sequence[_NewJob]) -> list[PyMongoError | None]:
        waited_seconds = time.monotonic() - jobs[0].asked_at
        with pymongo.timeout(max(self._timeout_seconds - waited_seconds, _LEAST_SECONDS)):
            return await insert_jobs([job.document for job in jobs])


async def insert_jobs(documents: Sequence[dict[str, Any]]) -> list[PyMongoError | None]:
    """Insert `documents` and return for each None, or why MongoDB refused it and no other.

    Raises:
        PyMongoError: MongoDB did not acknowledge them; what of them is stored is unknown.
    """
    jobs = Job.get_pymongo_collection()
    outcomes: list[PyMongoError | None] = [None] * len(documents)
    try:
        if len(documents) == 1:  # one alone costs a fifth less this way
            await jobs.insert_one(documents[0])
        else:
            await jobs.insert_many(documents, ordered=False)
    except WriteError as error:
        outcomes[0] = error
    except BulkWriteError as error:
        if error.details["writeConcernErrors"]:
            raise
        for refused in error.details["writeErrors"]:
            kind = DuplicateKeyError if refused["code"] == DUPLICATE_KEY else WriteError
            outcomes[refused["index"]] = kind(refused["errmsg"], refused["code"], refused)
    return outcomes
