"""Finds due jobs and moves them on: the part of the scheduler that writes `jobs`.

Nobody claims a job beforehand. A decision is written only where the job still is as it was when it
was decided about, so that of several replicas, or a replica and a user, one comes first and the
others decide anew. The same write says which runs the decision asks for, see `outbox`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo import UpdateMany
from pymongo.asynchronous.database import AsyncDatabase

from common.states import UNFINISHED, JobStatus, OverlapPolicy, RunState
from common.timetable import create_timetable
from scheduler.bulk import OWN, batches, each_its_own, own_value
from scheduler.planning import DueJob, Plan, Skip

JobDocument = dict[str, Any]
RunDocument = dict[str, Any]

DAMAGE = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)
"""What reading a document raises that a hand in the database has damaged."""

_DECISIVE = (
    "updatedAt",
    "nextRunAt",
    "cron",
    "timezone",
    "endAt",
    "maxRuns",
    "jitterSeconds",
    "overlap",
    "catchUpWindowMinutes",
    "schedule.anchorAt",
    "schedule.intervalMs",
    "schedule.triggerAt",
    "schedule.pausedUntil",
    "schedule.runs",
    "schedule.current.runId",
    "schedule.current.state",
    "schedule.current.endedAt",
)
"""What `due_job` reads, and when a user changed anything. A decision holds while these stay."""

_DECISIVE_STEPS = [path.split(".") for path in _DECISIVE]


_HAS_SCHEDULE = {"schedule": {"$type": "object"}, "schedule.0": {"$exists": False}}
"""A list of objects is of type `object` too. Without a schedule a job is never due."""


@dataclass(frozen=True)
class Decision:
    """What was decided about a due job.

    Attributes:
        job_id: Its id.
        seen: What the decision rests on, in the order of `_DECISIVE`.
        values: What `_advance_all` sets.
    """

    job_id: ObjectId
    seen: list[Any]
    values: dict[str, Any]


def create_decision(job: JobDocument, plan: Plan, run_id: str | None, now: datetime) -> Decision:
    """Return how `plan` moves a job on that gets the run `run_id`, if any.

    Raises:
        TypeError: A field has a value that means nothing.
    """
    schedule = job["schedule"]
    values: dict[str, Any] = {
        "nextRunAt": plan.next_run_at,
        "triggerAt": None if plan.trigger_done else schedule.get("triggerAt"),
        "pausedUntil": None if plan.pause_done else schedule.get("pausedUntil"),
        "runs": schedule.get("runs", 0) + plan.runs,
    }
    if plan.skips:
        values["unrecorded"] = [_stored(skip) for skip in plan.skips]
    if run_id is not None:
        values["updatedAt"] = now
        values["current"] = {"runId": run_id, "attempt": 1, "state": RunState.QUEUED.value}
    return Decision(job["_id"], [_value(job, steps) for steps in _DECISIVE_STEPS], values)


def due_job(document: JobDocument) -> DueJob:
    """Return what planning needs of a job document.

    Raises:
        KeyError: A field is missing.
        ValueError: A field has a value that means nothing.
    """
    schedule = document["schedule"]
    current = schedule.get("current")
    max_runs = document.get("maxRuns")
    return DueJob(
        next_run_at=document.get("nextRunAt"),
        timetable=create_timetable(
            job_id=str(document["_id"]),
            interval_ms=schedule.get("intervalMs"),
            anchor_at=schedule["anchorAt"],
            cron=document.get("cron"),
            timezone=document.get("timezone"),
            jitter_ms=round(1000 * (document.get("jitterSeconds") or 0)),
            end_at=document.get("endAt"),
        ),
        trigger_at=schedule.get("triggerAt"),
        busy=current is not None and current["state"] in UNFINISHED,
        overlap=OverlapPolicy(document.get("overlap") or OverlapPolicy.SKIP),
        catch_up=_minutes(document.get("catchUpWindowMinutes")),
        paused_until=schedule.get("pausedUntil"),
        free_since=current.get("endedAt") if current is not None else None,
        runs_left=None if max_runs is None else max_runs - schedule.get("runs", 0),
    )


def _minutes(number: float | None) -> timedelta | None:
    return None if number is None else timedelta(minutes=number)


class DueJobs:
    """MongoDB operations on due jobs."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        """Use the `jobs` of `database`."""
        self._jobs = database["jobs"]

    async def find(
        self, now: datetime, horizon: datetime, limit: int, offset: int = 0
    ) -> list[JobDocument]:
        """Return at most `limit` jobs that are due until `horizon`, and as many asked for by hand.

        A busy job is left alone until its occurrence is due: only then is it an overlap. One whose
        occurrences wait for the run before is left alone until that has ended. The first `offset`
        due ones are left to others.
        """
        free = {"schedule.current.state": {"$nin": [state.value for state in UNFINISHED]}}
        does_not_wait = {"overlap": {"$ne": OverlapPolicy.BUFFER_ONE.value}}
        due = {
            # the type, as the index names it: MongoDB does not infer that a moment is a date
            "nextRunAt": {"$type": "date", "$lte": horizon},
            **_HAS_SCHEDULE,
            "$or": [
                free,
                {"nextRunAt": {"$lte": now}, **does_not_wait},
                {"overlap": OverlapPolicy.ALLOW_ALL.value},
            ],
        }
        first = self._jobs.find(due).sort("nextRunAt", 1).skip(offset).limit(limit)
        found = await first.to_list()
        triggered = {
            "schedule.triggerAt": {"$type": "date", "$lte": now},
            **_HAS_SCHEDULE,
            "$or": [free, does_not_wait],
        }
        found += await self._jobs.find(triggered).limit(limit).to_list()
        # one that moves while they are read may be found twice
        return list({job["_id"]: job for job in found}.values())

    async def advance(
        self, decisions: Sequence[Decision], pass_id: ObjectId
    ) -> Collection[ObjectId]:
        """Move every job on that still is as it was decided about, and say what is to be created.

        Args:
            decisions: At most one of each job.
            pass_id: Names this call; no other has the same.

        Returns:
            Ids of the jobs that moved.
        """
        if not decisions:
            return ()
        updates = [_advance_all(part, pass_id) for part in batches(decisions)]
        done = await self._jobs.bulk_write(updates, ordered=False)
        ids = [each.job_id for each in decisions]
        if done.matched_count == len(ids):
            return ids
        moved = self._jobs.find({"_id": {"$in": ids}, "schedule.passId": pass_id}, {"_id": 1})
        return [job["_id"] async for job in moved]

    async def set_aside(self, job: JobDocument, error: Exception, now: datetime) -> None:
        """Let a job fail that cannot be planned, as a hand in the database may have left it."""
        decided_about = {
            "_id": job["_id"],
            "nextRunAt": job.get("nextRunAt"),
            "schedule.triggerAt": _value(job, ["schedule", "triggerAt"]),
        }
        await self._jobs.update_one(
            decided_about,
            {"$set": {**failed(error, now), "nextRunAt": None, "schedule.triggerAt": None}},
        )


def failed(error: Exception, now: datetime) -> dict[str, Any]:
    """Return what a job shows that cannot be planned because of `error`."""
    message = (
        f"this job cannot be planned ({type(error).__name__}: {error}): "
        "correct the document and set nextRunAt"
    )
    last_error = {"type": "InvalidJob", "message": message, "attempt": 0, "at": now, "runId": ""}
    return {"status": JobStatus.FAILED.value, "lastError": last_error}


def _advance_all(decisions: list[Decision], pass_id: ObjectId) -> UpdateMany:
    seen = {each.job_id: each.seen for each in decisions}
    values = {each.job_id: each.values for each in decisions}
    assignments = {
        "nextRunAt": f"${OWN}.nextRunAt",
        "updatedAt": {"$ifNull": [f"${OWN}.updatedAt", "$updatedAt"]},
        "schedule.triggerAt": f"${OWN}.triggerAt",
        "schedule.pausedUntil": f"${OWN}.pausedUntil",
        "schedule.runs": f"${OWN}.runs",
        "schedule.current": {"$ifNull": [f"${OWN}.current", "$schedule.current"]},
        "schedule.unrecorded": {"$ifNull": [f"${OWN}.unrecorded", "$$REMOVE"]},
        "schedule.passId": pass_id,
    }
    present = [f"${path}" for path in _DECISIVE]
    unchanged = {
        "_id": {"$in": list(values)},
        "$expr": {"$eq": [present, own_value("_id", seen)]},
    }
    return UpdateMany(unchanged, each_its_own("_id", values, assignments))


def _stored(skip: Skip) -> dict[str, Any]:
    return {
        "first": skip.first,
        "last": skip.last,
        "occurrences": skip.occurrences,
        "reason": skip.reason.value,
    }


def _value(document: Any, steps: list[str]) -> Any:
    """Return what is there, None where nothing is, as MongoDB would."""
    for name in steps:
        document = document.get(name) if isinstance(document, dict) else None
    return document
