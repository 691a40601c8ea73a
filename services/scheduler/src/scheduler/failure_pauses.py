"""Pauses jobs that have failed too often in a row."""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from common.models import now_utc
from common.states import PausedBy, RunState

logger = logging.getLogger(__name__)

_ENDED_BY_ITSELF = [RunState.COMPLETED.value, RunState.FAILED.value]


class FailurePauses:
    """Counts failures in the runs themselves, so that no outcome is counted twice or forgotten."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        """Use the `jobs` and `runs` of `database`."""
        self._jobs = database["jobs"]
        self._runs = database["runs"]

    async def pause_failing(self, job_ids: Iterable[ObjectId]) -> None:
        """Pause those of the jobs that have failed as often as they may since they were resumed.

        Raises:
            PyMongoError: MongoDB is away; doing it again repeats nothing.
        """
        ids = list(set(job_ids))
        if not ids:
            return
        limited = {"_id": {"$in": ids}, "pauseAfterFailures": {"$type": "number"}, "pause": None}
        fields = {"pauseAfterFailures": 1, "resumedAt": 1}
        async for job in self._jobs.find(limited, fields):
            limit = int(job["pauseAfterFailures"])
            if await self._has_failed(job["_id"], limit, job.get("resumedAt")):
                await self._pause(job["_id"], limit)

    async def _has_failed(self, job_id: ObjectId, times: int, since: datetime | None) -> bool:
        """Tell whether the latest so many runs that ended by themselves have all failed."""
        ended: dict[str, Any] = {"jobId": job_id, "state": {"$in": _ENDED_BY_ITSELF}}
        if since is not None:
            ended["finishedAt"] = {"$gt": since}
        latest = await self._runs.find(ended, {"state": 1}).sort("dueAt", -1).limit(times).to_list()
        return len(latest) == times and all(run["state"] == RunState.FAILED.value for run in latest)

    async def _pause(self, job_id: ObjectId, times: int) -> None:
        failures = f"{times} failed runs in a row" if times > 1 else "a failed run"
        pause = {
            "at": now_utc(),
            "by": PausedBy.FAILURES.value,
            "note": f"paused after {failures}",
            "nextRunAt": "$nextRunAt",
        }
        changes = {"pause": pause, "nextRunAt": None}
        paused = await self._jobs.update_one({"_id": job_id, "pause": None}, [{"$set": changes}])
        if paused.modified_count:
            logger.warning("job paused", extra={"job_id": str(job_id), "failures": times})
