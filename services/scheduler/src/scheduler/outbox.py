"""Creates the runs that jobs say they have.

A job moves on and says which runs that creates in one write: `schedule.current` is the run to
carry out, `schedule.unrecorded` are stretches of occurrences that are not to run. Then the runs are
inserted. A scheduler may die in between; whoever finds such a job inserts them, and since their ids
are those of their occurrences, nobody can insert them twice.
"""

import logging
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from common.events import due_time
from common.mongo_client import DUPLICATE_KEY
from common.states import OverlapPolicy, RunState, SkipReason
from scheduler.due_jobs import DAMAGE, JobDocument, RunDocument, failed
from scheduler.firing import create_run, create_skipped, due_event
from scheduler.planning import Skip

logger = logging.getLogger(__name__)

_NONE_UNRECORDED = {"$unset": {"schedule.unrecorded": 1}}


class Outbox:
    """The part of `runs` that dispatching writes."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        """Use the `jobs` and `runs` of `database`."""
        self._jobs = database["jobs"]
        self._runs = database["runs"]

    async def insert(self, runs: list[RunDocument]) -> Collection[str]:
        """Insert runs; return the ids of those that somebody else had inserted."""
        if not runs:
            return ()
        try:
            await self._runs.insert_many(runs, ordered=False)
        except BulkWriteError as error:
            refused = error.details["writeErrors"]
            is_worse = any(each["code"] != DUPLICATE_KEY for each in refused)
            if is_worse or error.details["writeConcernErrors"]:
                raise
            return {runs[each["index"]]["_id"] for each in refused}
        return ()

    async def forget_skipped(self, pass_id: ObjectId, job_ids: Iterable[ObjectId]) -> None:
        """Note that what `pass_id` decided to skip is inserted."""
        await self._jobs.update_many(
            {"_id": {"$in": list(job_ids)}, "schedule.passId": pass_id}, _NONE_UNRECORDED
        )

    async def complete(self, job_ids: Iterable[ObjectId], now: datetime) -> int:
        """Insert whatever these jobs announce, and return how many there are.

        A job whose runs cannot be created, as a hand in the database may have left it, announces
        nothing any more.
        """
        jobs = await self._jobs.find({"_id": {"$in": list(job_ids)}}).to_list(None)
        runs: list[RunDocument] = []
        of_pass: dict[Any, list[ObjectId]] = {}
        for job in jobs:
            try:
                runs += announced(job, now)
            except DAMAGE as error:
                logger.error("runs not created", extra={"job_id": str(job["_id"])}, exc_info=error)
                await self._give_up(job, error, now)
            else:
                of_pass.setdefault(job["schedule"].get("passId"), []).append(job["_id"])
        await self.insert(runs)
        for pass_id, ids in of_pass.items():
            await self.forget_skipped(pass_id, ids)
        return len(jobs)

    async def _give_up(self, job: JobDocument, error: Exception, now: datetime) -> None:
        """Let a job fail, and announce nothing, whose runs cannot be created."""
        changes = failed(error, now)
        if announces_run(job):
            changes["schedule.current"] = None
        as_read = {f"schedule.{name}": _part(job, name) for name in ("passId", "current")}
        await self._jobs.update_one(
            {"_id": job["_id"], **as_read}, {"$set": changes, **_NONE_UNRECORDED}
        )


def would_be_lost(job: JobDocument) -> bool:
    """Tell whether a further decision about the job would replace what it announces.

    Its run is only replaced before it has begun where runs of a job may overlap.
    """
    may_overlap = job.get("overlap") == OverlapPolicy.ALLOW_ALL.value
    return bool(job["schedule"].get("unrecorded")) or (may_overlap and announces_run(job))


def announced(job: JobDocument, now: datetime) -> list[RunDocument]:
    """Return the runs that the job says it has, and that may be missing.

    Raises:
        Any of `DAMAGE`: A hand in the database has damaged it.
    """
    schedule = job["schedule"]
    runs = [create_skipped(job, _skip(each), now) for each in schedule.get("unrecorded") or ()]
    if announces_run(job):
        run, span = create_run(job, due_time(schedule["current"]["runId"]), now)
        span.end()
        due_event(run)  # raises what would otherwise be found when it is emitted
        runs.append(run)
    return runs


def announces_run(job: JobDocument) -> bool:
    """Tell whether the job's run may be missing: one that has begun exists."""
    current = _part(job, "current")
    return (
        isinstance(current, dict)
        and current.get("state") == RunState.QUEUED.value
        and current.get("attempt") == 1
    )


def _part(job: JobDocument, name: str) -> Any:
    """Return a part of the job's schedule, None where there is none, or no schedule."""
    schedule = job.get("schedule")
    return schedule.get(name) if isinstance(schedule, dict) else None


def _skip(stored: dict[str, Any]) -> Skip:
    return Skip(
        stored["first"], stored["last"], stored["occurrences"], SkipReason(stored["reason"])
    )
