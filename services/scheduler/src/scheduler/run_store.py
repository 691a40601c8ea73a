"""MongoDB operations on runs that are created, or were by a replica that died."""

from collections.abc import Iterable
from typing import Any

from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from scheduler.claims import JobDocument, RunDocument

DUPLICATE_KEY = 11000


class RunStore:
    """The part of `runs` that dispatching writes and reads."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        """Use the `runs` of `database`."""
        self._runs = database["runs"]

    async def insert(self, skipped: Iterable[RunDocument], fired: Iterable[RunDocument]) -> None:
        """Insert runs; one that exists already was created by a replica that went before.

        Skipped ones go first: where a run is found later, what was skipped before it is recorded.
        """
        for runs in (list(skipped), list(fired)):
            if runs:
                await self._insert(runs)

    async def _insert(self, runs: list[RunDocument]) -> None:
        try:
            await self._runs.insert_many(runs, ordered=False)
        except BulkWriteError as error:
            if any(each["code"] != DUPLICATE_KEY for each in error.details["writeErrors"]):
                raise

    async def find_begun(self, jobs: Iterable[JobDocument]) -> dict[ObjectId, list[RunDocument]]:
        """Return by job the runs due at its next occurrence or later, in order of due time."""
        waiting = [{"jobId": job["_id"], "dueAt": {"$gte": job["nextRunAt"]}} for job in jobs]
        begun: dict[ObjectId, list[RunDocument]] = {}
        if waiting:
            found = self._runs.find({"$or": waiting}, {"payload": 0, "errors": 0})
            async for run in found.sort("dueAt", 1):
                begun.setdefault(run["jobId"], []).append(run)
        return begun
