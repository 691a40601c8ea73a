"""Compares jobs with the runs they show, and corrects the jobs.

Runs and jobs are written one after the other, so a crash between the two, or a run that ended
before its job moved on, leaves a job that looks busy for ever. No other part notices that.
"""

import logging
from typing import Any

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

_LATEST_RUN = {
    "from": "runs",
    "localField": "schedule.current.runId",
    "foreignField": "_id",
    "pipeline": [
        {
            "$project": {
                "state": 1,
                "attempt": 1,
                "startedAt": 1,
                "finishedAt": 1,
                "errors": {"$slice": ["$errors", -1]},
            }
        }
    ],
    "as": "run",
}


class Audit:
    """Looks at all jobs that show an unfinished run."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], batch_size: int) -> None:
        """`batch_size` is how many jobs are corrected at once."""
        self._jobs = database["jobs"]
        self._batch_size = batch_size

    async def correct_jobs(self) -> bool:
        """Let each job whose run has ended, or was deleted, show that; tell whether there are more.

        A job whose run was deleted shows `pending`, and is run again for that.
        """
        wrong = await self._jobs.aggregate(
            [
                # naming all states of a job lets the index on status and run state serve
                {
                    "$match": {
                        "status": {"$in": [status.value for status in JobStatus]},
                        "schedule.current.state": {"$in": _UNFINISHED},
                    }
                },
                {"$project": {"schedule.current": 1}},
                {"$lookup": _LATEST_RUN},
                {"$match": {"run.state": {"$nin": _UNFINISHED}}},
                {"$limit": self._batch_size},
            ]
        )
        updates = [_correction(job) async for job in wrong]
        if updates:
            await self._jobs.bulk_write(updates, ordered=False)
            logger.warning(
                "jobs corrected that showed a run as unfinished", extra={"jobs": len(updates)}
            )
        return len(updates) >= self._batch_size


def _correction(job: dict[str, Any]) -> UpdateOne:
    shown = job["schedule"]["current"]
    changes: dict[str, Any]
    if not job["run"]:
        changes = {
            "schedule.current.state": RunState.CANCELLED.value,
            "status": JobStatus.PENDING.value,
        }
    else:
        (run,) = job["run"]
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
