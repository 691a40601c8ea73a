"""Compares jobs with the runs they show, and corrects the jobs.

Runs and jobs are written one after the other, so a crash between the two, or a run that ended
before its job moved on, leaves a job that looks busy for ever. No other part notices that.
"""

import logging
from typing import Any

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from common.states import UNFINISHED, JobStatus, RunState
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

MOST_AT_ONCE = 5_000
"""Jobs looked at in one pass: under a backlog of any length a pass costs the same."""


class Audit:
    """Looks at all jobs that show an unfinished run, some at each pass."""

    def __init__(
        self, database: AsyncDatabase[dict[str, Any]], most_at_once: int = MOST_AT_ONCE
    ) -> None:
        """`most_at_once` is how many jobs one pass looks at."""
        self._jobs = database["jobs"]
        self._runs = database["runs"]
        self._most_at_once = most_at_once
        self._looked_until: ObjectId | None = None

    async def correct_jobs(self) -> bool:
        """Let each job whose run has ended, or was deleted, show that; there is no more at once.

        A job whose run was deleted shows `pending`, and is run again for that.
        """
        jobs = await self._find_busy()
        self._looked_until = jobs[-1]["_id"] if len(jobs) == self._most_at_once else None
        shown = [job["schedule"]["current"]["runId"] for job in jobs]
        unfinished = {"_id": {"$in": shown}, "state": {"$in": _UNFINISHED}}
        busy = {run["_id"] async for run in self._runs.find(unfinished, {"_id": 1})}
        wrong = [job for job in jobs if job["schedule"]["current"]["runId"] not in busy]
        if not wrong:
            return False
        ids = [job["schedule"]["current"]["runId"] for job in wrong]
        runs = {
            run["_id"]: run async for run in self._runs.find({"_id": {"$in": ids}}, _RUN_FIELDS)
        }
        corrections = [
            _correction(job, runs.get(job["schedule"]["current"]["runId"])) for job in wrong
        ]
        updates = [update for update in corrections if update is not None]
        if updates:
            await self._jobs.bulk_write(updates, ordered=False)
            logger.warning(
                "jobs corrected that showed a run as unfinished", extra={"jobs": len(updates)}
            )
        return False

    async def _find_busy(self) -> list[dict[str, Any]]:
        """Return the next jobs that show an unfinished run."""
        busy: dict[str, Any] = {
            # naming all states of a job lets the index on status and run state serve
            "status": {"$in": [status.value for status in JobStatus]},
            "schedule.current.state": {"$in": _UNFINISHED},
        }
        if self._looked_until is not None:
            busy["_id"] = {"$gt": self._looked_until}
        found = self._jobs.find(busy, {"schedule.current": 1}).sort("_id", 1)
        return await found.to_list(self._most_at_once)


def _correction(job: dict[str, Any], run: dict[str, Any] | None) -> UpdateOne | None:
    """Return how the job shows its run, None when they agree by now."""
    shown = job["schedule"]["current"]
    changes: dict[str, Any]
    if run is not None and run["state"] in _UNFINISHED:
        return None
    if run is None:
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
