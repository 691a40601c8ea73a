"""What must be true of jobs and runs whatever happened: the invariants, computed by other means.

The oracle knows what users asked for and when; it does its own arithmetic with intervals and reads
only what is stored.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from beanie import PydanticObjectId

from tests.integration.engine_data import Database, Document, find_job

ENDED = ("completed", "failed", "cancelled", "skipped")
UNFINISHED = ("queued", "running", "retrying")


@dataclass
class Stretch:
    """A time in which a job occurs by one rule.

    Attributes:
        first: The occurrence that it begins with.
        anchor: Origin of the grid.
        interval: Distance of two occurrences, None for a job that runs once.
        until: The first occurrence that belongs to the next rule; None while this one holds.
    """

    first: datetime
    anchor: datetime
    interval: timedelta | None
    until: datetime | None = None

    def occurrences(self, until: datetime) -> list[datetime]:
        """Return the occurrences before `until`."""
        if self.first >= until:
            return []
        if self.interval is None:
            return [self.first]
        found = [self.first]
        number = (self.first - self.anchor) // self.interval + 1
        while (at := self.anchor + number * self.interval) < until:
            found.append(at)
            number += 1
        return found


@dataclass
class KnownJob:
    """What users have asked of a job."""

    id: PydanticObjectId
    max_runs: int | None
    runs_alone: bool
    stretches: list[Stretch] = field(default_factory=list)
    triggers: set[datetime] = field(default_factory=set)
    redriven: set[str] = field(default_factory=set)
    is_retimed: bool = False


class Oracle:
    """Remembers what was asked for and what has ended, and judges what is stored."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.jobs: dict[PydanticObjectId, KnownJob] = {}
        self.clocks_agree = True
        self._ended: dict[str, tuple[str, int]] = {}
        self._results: dict[str, Document] = {}

    async def know(self, job_id: PydanticObjectId) -> None:
        """Learn of a new job."""
        document = await self._job(job_id)
        alone = document["overlap"] != "allowAll"
        known = KnownJob(job_id, document.get("maxRuns"), alone)
        self.jobs[job_id] = known
        self._begin(known, document)

    async def planned(self, job_id: PydanticObjectId) -> datetime | None:
        """Return the occurrence that a job waits for, paused or not."""
        document = await self._job(job_id)
        paused = document.get("pause") or {}
        at: datetime | None = paused.get("nextRunAt") or document["nextRunAt"]
        return at

    async def retimed(self, job_id: PydanticObjectId, planned: datetime | None) -> None:
        """Learn of a new timing; `planned` is what the job waited for before."""
        known = self.jobs[job_id]
        known.is_retimed = True
        if planned is None:  # it had come to its end
            runs = await self._database["runs"].find({"jobId": job_id}).to_list()
            planned = _end([run for run in runs if run["dueAt"] not in known.triggers])
        known.stretches[-1].until = planned
        self._begin(known, await self._job(job_id))

    def _begin(self, known: KnownJob, document: Document) -> None:
        paused = document.get("pause") or {}
        first = paused.get("nextRunAt") or document["nextRunAt"]
        if first is None:
            first = datetime.max.replace(tzinfo=UTC)
        interval_ms = document["schedule"]["intervalMs"]
        interval = None if interval_ms is None else timedelta(milliseconds=interval_ms)
        known.stretches.append(Stretch(first, document["schedule"]["anchorAt"], interval))

    async def _job(self, job_id: PydanticObjectId) -> Document:
        document = await self._database["jobs"].find_one({"_id": job_id})
        assert document is not None
        return document

    async def check(self) -> None:
        """Check what must hold at every moment."""
        runs = await self._database["runs"].find().to_list()
        for run in runs:
            self._check_run(run)
            ended = self._ended.get(run["_id"])
            now = (run["state"], run["attempt"])
            if ended is not None and ended != now:
                is_asked_for = run["_id"] in self.jobs[run["jobId"]].redriven
                assert is_asked_for, f"{run['_id']} ended as {ended} and now is {now}"
                assert run["attempt"] > ended[1]
                del self._ended[run["_id"]]
            if run["state"] in ENDED:
                self._ended[run["_id"]] = now
        self._check_alone(runs)
        await self._check_results()

    def _check_run(self, run: Document) -> None:
        due_ms = round(run["dueAt"].timestamp() * 1000)
        assert run["_id"] == f"{run['jobId']}:{due_ms}"
        attempts = [error["attempt"] for error in run["errors"]]
        assert attempts == sorted(set(attempts)), f"{run['_id']} recorded a failure twice"
        assert run["attempt"] <= run["maxAttempts"]
        if run["state"] == "skipped":
            assert run["skipReason"] in ("overlap", "misfire", "paused")
            assert run["skippedUntil"] >= run["dueAt"]
            assert run["occurrences"] >= 1

    def _check_alone(self, runs: list[Document]) -> None:
        unfinished: dict[Any, list[str]] = defaultdict(list)
        for run in runs:
            known = self.jobs[run["jobId"]]
            # when clocks differ, one scheduler may see a request by hand that another does not yet
            is_surprise = run["dueAt"] in known.triggers and not self.clocks_agree
            if not known.runs_alone or is_surprise or run["_id"] in known.redriven:
                continue
            if run["state"] in UNFINISHED:
                unfinished[known.id].append(run["_id"])
        beside = [each for each in unfinished.values() if len(each) > 1]
        assert not beside, f"runs beside one another: {beside}"

    async def _check_results(self) -> None:
        async for result in self._database["toy_results"].find():
            first = self._results.setdefault(result["_id"], result)
            assert result == first, f"the result of {result['_id']} was recorded again"

    async def check_settled(self) -> None:
        """Check what must hold when nothing is left to do."""
        await self.check()
        for known in self.jobs.values():
            runs = await self._database["runs"].find({"jobId": known.id}).to_list()
            await self._check_job(known, runs)
            await self._check_occurrences(known, runs)
            for run in runs:
                await self._check_result(run)

    async def _check_job(self, known: KnownJob, runs: list[Document]) -> None:
        """Check that a job shows how its latest run went.

        What a scheduler created that crashed before the job was paused is shown after the pause.
        """
        job = await self._job(known.id)
        if job.get("pause") is not None:
            return
        shown = job["schedule"]["current"]
        by_id = {run["_id"]: run for run in runs}
        if shown is None:
            assert all(run["state"] == "skipped" for run in runs), f"{known.id} shows no run"
            return
        state = by_id[shown["runId"]]["state"]
        assert shown["state"] == state
        assert job["status"] == ("completed" if state == "completed" else "failed")

    async def _check_occurrences(self, known: KnownJob, runs: list[Document]) -> None:
        """Check that every occurrence has one run or one reason, and nothing else has run."""
        planned = await self.planned(known.id)
        asked: set[datetime] = set()
        for stretch in known.stretches:
            until = stretch.until or planned
            if until is None:  # nothing is to come: what has a record tells how far it came
                until = _end([run for run in runs if run["dueAt"] not in known.triggers])
            for at in stretch.occurrences(until):
                asked.add(at)
                records = _records(at, stretch.interval, runs)
                allowed = len({each["_id"] for each in records}) == 1 or at in known.triggers
                assert allowed, f"occurrence {at} of {known.id} has {_named(records)}"
        if planned is not None and (await self._job(known.id)).get("pause") is not None:
            asked.add(planned)  # created by a scheduler that crashed just before the pause
        fired = [run for run in runs if run["state"] != "skipped"]
        unasked = [run for run in fired if run["dueAt"] not in asked | known.triggers]
        assert not unasked, f"nobody asked for {_named(unasked)}"
        by_schedule = [run for run in fired if run["dueAt"] not in known.triggers]
        if known.max_runs is not None:
            assert len(by_schedule) <= known.max_runs
        if not known.is_retimed:
            (stretch,) = known.stretches
            for run in runs:
                if run["state"] == "skipped" and run["dueAt"] not in known.triggers:
                    last = run["skippedUntil"] + timedelta(milliseconds=1)
                    inside = [at for at in stretch.occurrences(last) if at >= run["dueAt"]]
                    assert run["occurrences"] == len(inside), _named([run])

    async def _check_result(self, run: Document) -> None:
        stored = await self._database["toy_results"].find_one({"_id": run["_id"]})
        if run["state"] == "completed":
            assert stored is not None, f"{run['_id']} is completed without a result"
        if run["state"] == "skipped":
            assert stored is None, f"{run['_id']} was skipped, and has run"


def _records(at: datetime, interval: timedelta | None, runs: list[Document]) -> list[Document]:
    """Return what is recorded of an occurrence: a run due then, or skipped ones of the same grid.

    A clock that was ahead may have recorded as missed what a new timing passes through again, at
    other moments.
    """
    return [
        run
        for run in runs
        if run["dueAt"] <= at <= (run.get("skippedUntil") or run["dueAt"])
        and (interval is None or not (at - run["dueAt"]) % interval)
    ]


def _end(runs: list[Document]) -> datetime:
    moments = [run.get("skippedUntil") or run["dueAt"] for run in runs]
    return max(moments, default=datetime.min.replace(tzinfo=UTC)) + timedelta(milliseconds=1)


def _named(runs: list[Document]) -> list[str]:
    names = ("_id", "state", "dueAt", "skippedUntil", "skipReason", "occurrences", "createdAt")
    return [str({name: run.get(name) for name in names if run.get(name)}) for run in runs]


async def know(oracle: Oracle, database: Database, job_id: PydanticObjectId) -> None:
    """Tell the oracle of an acknowledged job, which may have run already."""
    schedule = (await find_job(database, job_id))["schedule"]
    interval_ms = schedule["intervalMs"]
    interval = None if interval_ms is None else timedelta(milliseconds=interval_ms)
    known = KnownJob(job_id, None, runs_alone=True)
    known.stretches.append(Stretch(schedule["anchorAt"], schedule["anchorAt"], interval))
    oracle.jobs[job_id] = known
