"""Claims due jobs, and turns them into runs: the part of the scheduler that writes `jobs` first.

Every step may be repeated by another replica after a crash: run ids are deterministic, and each
update is filtered by the claim it belongs to.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from common.states import UNFINISHED, RunState
from scheduler.planning import DueJob, Plan

DUPLICATE_KEY = 11000

JobDocument = dict[str, Any]
RunDocument = dict[str, Any]


@dataclass(frozen=True)
class Decision:
    """A claimed job, what was decided, and the id of the run to create."""

    job: JobDocument
    plan: Plan
    run_id: str | None


def due_job(document: JobDocument) -> DueJob:
    """Return what planning needs of a job document."""
    schedule = document["schedule"]
    current = schedule.get("current")
    return DueJob(
        next_run_at=document.get("nextRunAt"),
        interval_ms=schedule.get("intervalMs"),
        anchor_at=schedule["anchorAt"],
        trigger_at=schedule.get("triggerAt"),
        busy=current is not None and current["state"] in UNFINISHED,
    )


class ClaimStore:
    """MongoDB operations on due jobs."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], claim_seconds: float) -> None:
        """`claim_seconds` is how long a claim keeps other replicas away."""
        self._jobs = database["jobs"]
        self._runs = database["runs"]
        self._claim = timedelta(seconds=claim_seconds)

    async def claim_due(
        self, token: str, now: datetime, horizon: datetime, limit: int
    ) -> list[JobDocument]:
        """Claim at most `limit` jobs that are due until `horizon` or asked for by hand.

        A busy job is left alone until its occurrence is due: only then is it an overlap.
        """
        unclaimed = {
            "$or": [
                {"schedule.claimUntil": None},
                {"schedule.claimUntil": {"$lt": now}},
            ]
        }
        due = {
            "nextRunAt": {"$lte": horizon},
            "$and": [
                unclaimed,
                {
                    "$or": [
                        {"nextRunAt": {"$lte": now}},
                        {"schedule.current.state": {"$nin": [state.value for state in UNFINISHED]}},
                    ]
                },
            ],
        }
        found = await self._jobs.find(due, {"_id": 1}).sort("nextRunAt", 1).to_list(limit)
        triggered = {"schedule.triggerAt": {"$lte": now}, **unclaimed}
        found += await self._jobs.find(triggered, {"_id": 1}).to_list(limit)
        if not found:
            return []
        await self._jobs.update_many(
            {"_id": {"$in": [each["_id"] for each in found]}, **unclaimed},
            {"$set": {"schedule.claimToken": token, "schedule.claimUntil": now + self._claim}},
        )
        return await self._jobs.find({"schedule.claimToken": token}).to_list(None)

    async def insert_runs(self, runs: Iterable[RunDocument]) -> None:
        """Insert runs; one that exists already was created by a replica that went before."""
        documents = list(runs)
        if not documents:
            return
        try:
            await self._runs.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            if any(each["code"] != DUPLICATE_KEY for each in error.details["writeErrors"]):
                raise

    async def advance(self, decisions: Iterable[Decision], token: str, now: datetime) -> None:
        """Move every claimed job to its next occurrence and release it.

        What a user changed since the claim stays: an occurrence or a trigger is only replaced when
        it is the one that was decided about.
        """
        updates = [self._advance_one(decision, token, now) for decision in decisions]
        if updates:
            await self._jobs.bulk_write(updates, ordered=False)

    def _advance_one(self, decision: Decision, token: str, now: datetime) -> UpdateOne:
        job, plan = decision.job, decision.plan
        changes: dict[str, Any] = {
            "nextRunAt": _replace("nextRunAt", job.get("nextRunAt"), plan.next_run_at)
        }
        if plan.trigger_done:
            requested = job["schedule"]["triggerAt"]
            changes["schedule.triggerAt"] = _replace("schedule.triggerAt", requested, None)
        if decision.run_id is not None:
            changes["updatedAt"] = now
            changes["schedule.current"] = {
                "$literal": {"runId": decision.run_id, "attempt": 1, "state": RunState.QUEUED.value}
            }
        return UpdateOne(
            {"_id": job["_id"], "schedule.claimToken": token},
            [{"$set": changes}, {"$unset": ["schedule.claimToken", "schedule.claimUntil"]}],
        )


def _replace(path: str, expected: datetime | None, new: datetime | None) -> dict[str, Any]:
    """Return an expression: `new` where the field still is `expected`, else the field."""
    field = f"${path}"
    return {"$cond": [{"$eq": [{"$ifNull": [field, None]}, expected]}, new, field]}
