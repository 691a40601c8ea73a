"""Claims due jobs and moves them on: the part of the scheduler that writes `jobs` first.

Every step may be repeated by another replica after a crash: run ids are deterministic, and each
update is filtered by the claim it belongs to.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo import UpdateMany
from pymongo.asynchronous.database import AsyncDatabase

from common.documents import RELEASED_CLAIM
from common.states import UNFINISHED, JobStatus, OverlapPolicy, RunState
from common.timetable import create_timetable
from scheduler.bulk import OWN, batches, each_its_own
from scheduler.planning import DueJob, Plan

JobDocument = dict[str, Any]
RunDocument = dict[str, Any]


@dataclass(frozen=True)
class Claimed:
    """Jobs that are this replica's for a while.

    Attributes:
        jobs: Their documents.
        inherited: Ids of those whose former claim was never released: its owner may have died
            after it created runs.
    """

    jobs: list[JobDocument]
    inherited: frozenset[ObjectId] = frozenset()


@dataclass(frozen=True)
class Decision:
    """A claimed job, what was decided, and the id of the run to show, None for the one before."""

    job: JobDocument
    plan: Plan
    run_id: str | None


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


class ClaimStore:
    """MongoDB operations on due jobs."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], claim_seconds: float) -> None:
        """`claim_seconds` is how long a claim keeps other replicas away."""
        self._jobs = database["jobs"]
        self._claim = timedelta(seconds=claim_seconds)

    async def claim_due(self, token: str, now: datetime, horizon: datetime, limit: int) -> Claimed:
        """Claim at most `limit` jobs that are due until `horizon`, and as many asked for by hand.

        A busy job is left alone until its occurrence is due: only then is it an overlap. One whose
        occurrences wait for the run before is left alone until that has ended.
        """
        free = {"schedule.current.state": {"$nin": [state.value for state in UNFINISHED]}}
        does_not_wait = {"overlap": {"$ne": OverlapPolicy.BUFFER_ONE.value}}
        unclaimed = {
            "$or": [
                {"schedule.claimUntil": None},
                {"schedule.claimUntil": {"$lt": now}},
                # made by a clock that was far ahead
                {"schedule.claimUntil": {"$gt": now + 3 * self._claim}},
            ]
        }
        due = {
            # the type, as the index names it: MongoDB does not infer that a moment is a date
            "nextRunAt": {"$type": "date", "$lte": horizon},
            "schedule": {"$type": "object"},
            "$and": [
                unclaimed,
                {
                    "$or": [
                        free,
                        {"nextRunAt": {"$lte": now}, **does_not_wait},
                        {"overlap": OverlapPolicy.ALLOW_ALL.value},
                    ]
                },
            ],
        }
        fields = {"schedule.claimToken": 1}
        found = await self._jobs.find(due, fields).sort("nextRunAt", 1).to_list(limit)
        triggered = {
            "schedule.triggerAt": {"$type": "date", "$lte": now},
            "$and": [unclaimed, {"$or": [free, does_not_wait]}],
        }
        found += await self._jobs.find(triggered, fields).to_list(limit)
        if not found:
            return Claimed([])
        ids = {"$in": [each["_id"] for each in found]}
        await self._jobs.update_many(
            {"_id": ids, **unclaimed},
            {"$set": {"schedule.claimToken": token, "schedule.claimUntil": now + self._claim}},
        )
        jobs = await self._jobs.find({"_id": ids, "schedule.claimToken": token}).to_list(None)
        inherited = (each["_id"] for each in found if each["schedule"].get("claimToken"))
        return Claimed(jobs, frozenset(inherited))

    async def advance(
        self, decisions: Sequence[Decision], token: str, now: datetime
    ) -> Collection[str]:
        """Move every claimed job to its next occurrence and release it.

        What a user changed since the claim stays: an occurrence or a trigger is only replaced when
        it is the one that was decided about.

        Returns:
            Ids of the runs that their jobs show now. Others belong to jobs whose claim was lost;
            whoever has it decides about them.
        """
        if not decisions:
            return ()
        updates = [_advance_all(part, token, now) for part in batches(decisions)]
        done = await self._jobs.bulk_write(updates, ordered=False)
        created = [each.run_id for each in decisions if each.run_id is not None]
        if done.matched_count == len(decisions):
            return created
        shown = {"_id": {"$in": [each.job["_id"] for each in decisions]}}
        return await self._jobs.distinct(
            "schedule.current.runId", {**shown, "schedule.current.runId": {"$in": created}}
        )

    async def set_aside(
        self, job: JobDocument, token: str, error: Exception, now: datetime
    ) -> None:
        """Let a job fail that cannot be planned, as a hand in the database may have left it."""
        message = (
            f"this job cannot be planned ({type(error).__name__}: {error}): "
            "correct the document and set nextRunAt"
        )
        last_error = {
            "type": "InvalidJob",
            "message": message,
            "attempt": 0,
            "at": now,
            "runId": "",
        }
        await self._jobs.update_one(
            {"_id": job["_id"], "schedule.claimToken": token},
            {
                "$set": {
                    "status": JobStatus.FAILED.value,
                    "nextRunAt": None,
                    "schedule.triggerAt": None,
                    "lastError": last_error,
                },
                "$unset": {"schedule.claimToken": 1, "schedule.claimUntil": 1},
            },
        )


def _advance_all(decisions: list[Decision], token: str, now: datetime) -> UpdateMany:
    values = {decision.job["_id"]: _advanced(decision, now) for decision in decisions}
    assignments = {
        "nextRunAt": _replace("nextRunAt", "due", f"${OWN}.next"),
        "updatedAt": _own_or_same("updatedAt"),
        "schedule.triggerAt": _replace("schedule.triggerAt", "trigger", None),
        "schedule.pausedUntil": _replace("schedule.pausedUntil", "pausedUntil", None),
        "schedule.runs": _own_or_same("schedule.runs"),
        "schedule.current": _own_or_same("schedule.current"),
        "schedule.claimToken": {"$ifNull": [f"${OWN}.claimToken", "$$REMOVE"]},
        "schedule.claimUntil": "$$REMOVE",
    }
    claimed = {"_id": {"$in": list(values)}, "schedule.claimToken": token}
    return UpdateMany(claimed, each_its_own("_id", values, assignments))


def _advanced(decision: Decision, now: datetime) -> dict[str, Any]:
    """Return what `_advance_all` needs to know of one job; what is not there stays as it is."""
    job, plan = decision.job, decision.plan
    schedule = job["schedule"]
    values: dict[str, Any] = {"due": job.get("nextRunAt"), "next": plan.next_run_at}
    if plan.trigger_done:
        values["trigger"] = schedule["triggerAt"]
    if plan.pause_done:
        values["pausedUntil"] = schedule["pausedUntil"]
    if plan.runs:
        values["runs"] = schedule.get("runs", 0) + plan.runs
    if decision.run_id is not None:
        values["updatedAt"] = now
        values["current"] = {
            "runId": decision.run_id,
            "attempt": 1,
            "state": RunState.QUEUED.value,
        }
    if job.get("pause") is not None:
        # runs that a replica created before the pause are looked for when it ends
        values["claimToken"] = RELEASED_CLAIM
    return values


def _replace(path: str, expected: str, new: Any) -> dict[str, Any]:
    """Return an expression: `new` where the field still is the own `expected`, else the field."""
    field = f"${path}"
    return {"$cond": [{"$eq": [{"$ifNull": [field, None]}, f"${OWN}.{expected}"]}, new, field]}


def _own_or_same(path: str) -> dict[str, Any]:
    """Return an expression: the document's own new value where there is one, else the field."""
    return {"$ifNull": [f"${OWN}.{path.rpartition('.')[2]}", f"${path}"]}
