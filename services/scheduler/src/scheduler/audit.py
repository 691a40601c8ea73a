"""Compares jobs with the runs they show, and corrects the jobs.

Runs and jobs are written one after the other, so a crash between the two leaves a job that looks
busy for ever, or announces runs that do not exist. No other part notices that.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from common.models import now_utc
from common.states import UNFINISHED, JobStatus, RunState
from scheduler.due_jobs import JobDocument, RunDocument
from scheduler.outbox import Outbox, announces_run
from scheduler.outcomes import cancelled_job

logger = logging.getLogger(__name__)

_UNFINISHED = [state.value for state in UNFINISHED]

_STATUS_OF_ENDED = {
    RunState.COMPLETED.value: JobStatus.COMPLETED.value,
    RunState.FAILED.value: JobStatus.FAILED.value,
    RunState.CANCELLED.value: JobStatus.FAILED.value,
}

_RUN_FIELDS = {
    "state": 1,
    "attempt": 1,
    "startedAt": 1,
    "finishedAt": 1,
    "errors": {"$slice": -1},
}

_JOB_FIELDS = {"schedule.current": 1, "schedule.unrecorded": 1, "schedule.passId": 1}

MOST_AT_ONCE = 5_000
"""Jobs looked at in one pass: under a backlog of any length a pass costs the same."""

SETTLE_SECONDS = 0.5
"""Longer than the two writes of whoever creates or ends runs are usually apart."""


class Audit:
    """Looks at all jobs that show an unfinished run, some at each pass."""

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        clock: Callable[[], datetime] = now_utc,
        *,
        most_at_once: int = MOST_AT_ONCE,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        """Args as named; `clock` tells the present in UTC."""
        self._jobs = database["jobs"]
        self._runs = database["runs"]
        self._outbox = Outbox(database)
        self._clock = clock
        self._most_at_once = most_at_once
        self._settle_seconds = settle_seconds
        self._looked_until: ObjectId | None = None

    async def correct_jobs(self) -> bool:
        """Let each job whose run has ended, or was deleted, show that; there is no more at once.

        A run that was announced and is missing is created. A job whose run was deleted later shows
        `pending`, and is run again for that.
        """
        seemingly_wrong = [*await self._find_wrong(), *await self._find_unrecorded()]
        if not seemingly_wrong:
            return False
        # others may be just about to write what is missing
        await asyncio.sleep(self._settle_seconds)
        wrong = await self._look_again(seemingly_wrong)
        runs = await self._find_runs(wrong)
        incomplete = [job["_id"] for job in wrong if _is_incomplete(job, runs)]
        if incomplete:
            await self._outbox.complete(incomplete, self._clock())
            logger.warning("runs created that jobs announced", extra={"jobs": len(incomplete)})
        corrections = [_correction(job, runs.get(_run_id(job))) for job in wrong]
        updates = [update for update in corrections if update is not None]
        if updates:
            await self._jobs.bulk_write(updates, ordered=False)
            logger.warning(
                "jobs corrected that showed a run as unfinished", extra={"jobs": len(updates)}
            )
        return False

    async def _find_wrong(self) -> list[JobDocument]:
        """Return those of the next busy jobs whose run is not unfinished."""
        busy: dict[str, Any] = {
            # naming all states of a job lets the index on status and run state serve
            "status": {"$in": [status.value for status in JobStatus]},
            "schedule.current.state": {"$in": _UNFINISHED},
        }
        if self._looked_until is not None:
            busy["_id"] = {"$gt": self._looked_until}
        found = self._jobs.find(busy, _JOB_FIELDS).sort("_id", 1).limit(self._most_at_once)
        jobs = await found.to_list()
        self._looked_until = jobs[-1]["_id"] if len(jobs) == self._most_at_once else None
        unfinished = {"_id": {"$in": list(map(_run_id, jobs))}, "state": {"$in": _UNFINISHED}}
        runs = {run["_id"] async for run in self._runs.find(unfinished, {"_id": 1})}
        return [job for job in jobs if _run_id(job) not in runs]

    async def _find_unrecorded(self) -> list[JobDocument]:
        """Return jobs that announce skipped occurrences."""
        announced = {"schedule.unrecorded.first": {"$type": "date"}}
        return await self._jobs.find(announced, _JOB_FIELDS).limit(self._most_at_once).to_list()

    async def _look_again(self, jobs: list[JobDocument]) -> list[JobDocument]:
        """Return those of the jobs that have not changed."""
        ids = {"_id": {"$in": [job["_id"] for job in jobs]}}
        now = {job["_id"]: job async for job in self._jobs.find(ids, _JOB_FIELDS)}
        return list({job["_id"]: job for job in jobs if now.get(job["_id"]) == job}.values())

    async def _find_runs(self, jobs: list[JobDocument]) -> dict[str, RunDocument]:
        shown = {"_id": {"$in": list(map(_run_id, jobs))}}
        return {run["_id"]: run async for run in self._runs.find(shown, _RUN_FIELDS)}


def _run_id(job: JobDocument) -> str:
    """Return the id of the run that a job shows, empty when it never had one."""
    current = job["schedule"].get("current")
    return str(current.get("runId", "")) if isinstance(current, dict) else ""


def _is_incomplete(job: JobDocument, runs: Mapping[str, RunDocument]) -> bool:
    """Tell whether a run that the job announces is missing."""
    is_missing = announces_run(job) and _run_id(job) not in runs
    return is_missing or bool(job["schedule"].get("unrecorded"))


def _correction(job: JobDocument, run: RunDocument | None) -> UpdateOne | None:
    """Return how the job shows its run, None when they agree by now."""
    shown = job["schedule"].get("current")
    changes: dict[str, Any]
    if not isinstance(shown, dict) or shown.get("state") not in _UNFINISHED:
        return None
    if run is not None and run["state"] in _UNFINISHED:
        return None
    if run is None:
        if announces_run(job):
            return None
        changes = {
            "schedule.current.state": RunState.CANCELLED.value,
            "status": JobStatus.PENDING.value,
        }
    else:
        changes = {
            "schedule.current.state": run["state"],
            "schedule.current.attempt": run["attempt"],
            "schedule.current.endedAt": run.get("finishedAt"),
        }
        if run["state"] in _STATUS_OF_ENDED:
            changes["status"] = _STATUS_OF_ENDED[run["state"]]
            changes["lastError"] = _last_error(job, run)
        if run.get("startedAt"):
            changes["lastRunAt"] = run["startedAt"]
    return UpdateOne({"_id": job["_id"], "schedule.current": shown}, {"$set": changes})


def _last_error(job: dict[str, Any], run: dict[str, Any]) -> Any:
    if run["state"] == RunState.CANCELLED.value:
        return cancelled_job(run["_id"], run["attempt"], run.get("finishedAt"))["lastError"]
    if run["state"] != RunState.FAILED.value or not run["errors"]:
        return None
    error = {name: run["errors"][-1][name] for name in ("type", "message", "attempt", "at")}
    return {**error, "runId": run["_id"]}
