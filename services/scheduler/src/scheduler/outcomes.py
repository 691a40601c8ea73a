"""What outcomes mean for runs and jobs: pure translation of events into filtered updates.

Each update names the attempt and the states it may follow, so that repeating it, or applying an
older one after a newer one, changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId

from common.events import RunCancelled, RunCompleted, RunEnd, RunFailed, RunProgress, RunStarted
from common.recorded import Recorded
from common.states import JobStatus, RunState
from scheduler.backoff import RetryPolicy
from scheduler.bulk import Change

OutcomeEvent = RunStarted | RunProgress | RunEnd

LEASE_LOST = "LeaseLost"
"""Type of the error of an attempt whose worker died. The run is tried again at once: backoff is for
what may need time to recover, and a dead worker does not."""

QUEUED = (RunState.QUEUED.value,)
OPEN = (RunState.QUEUED.value, RunState.RUNNING.value)
"""States of an attempt that has not ended."""


@dataclass
class AttemptOutcome:
    """All that a batch of events says about one attempt."""

    run_id: str
    job_id: str
    attempt: int
    started: RunStarted | None = None
    progress: RunProgress | None = None
    end: RunEnd | None = None


@dataclass
class Changes:
    """What to write, in bulk and in any order."""

    runs: list[Change] = field(default_factory=list)
    jobs: list[Change] = field(default_factory=list)
    exhausted: list[RunFailed] = field(default_factory=list)
    """Failures after which nobody tries again."""

    def add(self, others: "Changes") -> None:
        """Make `others` too."""
        self.runs += others.runs
        self.jobs += others.jobs
        self.exhausted += others.exhausted


def fold(events: Iterable[OutcomeEvent]) -> list[AttemptOutcome]:
    """Gather the events of a batch by attempt; of two ends of one attempt the first counts."""
    attempts: dict[tuple[str, int], AttemptOutcome] = {}
    for event in events:
        outcome = attempts.setdefault(
            (event.run_id, event.attempt),
            AttemptOutcome(event.run_id, event.job_id, event.attempt),
        )
        if isinstance(event, RunStarted):
            outcome.started = outcome.started or event
        elif isinstance(event, RunProgress):
            outcome.progress = event
        else:
            outcome.end = outcome.end or event
    return list(attempts.values())


def complete(end: RunEnd, recorded: Recorded) -> RunCompleted:
    """Return the good end of an attempt whose result is `recorded`, whatever `end` says."""
    return RunCompleted(
        **end.identity(),
        result_id=recorded.result_id,
        alerts_count=recorded.alerts_count,
        summary=recorded.summary,
        started_at=end.started_at or end.at,
        at=end.at,
    )


def translate(outcomes: Iterable[AttemptOutcome], policies: Mapping[str, RetryPolicy]) -> Changes:
    """Return the updates that outcomes ask for.

    Args:
        outcomes: What is known of each attempt.
        policies: By run id, for every failed run; a run that is not in it no longer exists.
    """
    changes = Changes()
    for outcome in outcomes:
        end = outcome.end
        if end is None:
            _start(outcome, changes)
        elif isinstance(end, RunCompleted):
            _complete(outcome, end, changes)
        elif isinstance(end, RunCancelled):
            _cancel(outcome, end, changes)
        elif (policy := policies.get(end.run_id)) is not None:
            if end.retryable and end.attempt < policy.max_attempts:
                _retry(outcome, end, policy, changes)
            else:
                _give_up(outcome, end, changes)
    return changes


def _start(outcome: AttemptOutcome, changes: Changes) -> None:
    started = outcome.started
    if started is not None:
        run = {"state": RunState.RUNNING.value, "startedAt": started.at, "worker": started.worker}
        changes.runs.append(_run_change(outcome, QUEUED, run))
        job = {"status": JobStatus.RUNNING.value, "lastRunAt": started.at}
        changes.jobs.append(_job_change(outcome, QUEUED, RunState.RUNNING, job))
    if outcome.progress is not None:
        change = {"progress": outcome.progress.step}
        changes.runs.append(_run_change(outcome, OPEN, change))


def _complete(outcome: AttemptOutcome, end: RunCompleted, changes: Changes) -> None:
    run = {
        "state": RunState.COMPLETED.value,
        "finishedAt": end.at,
        "resultId": end.result_id,
        "alertsCount": end.alerts_count,
        "summary": end.summary,
        "progress": None,
        **_beginning(outcome, end),
    }
    changes.runs.append(_run_change(outcome, OPEN, run))
    job = {
        "status": JobStatus.COMPLETED.value,
        "lastRunAt": end.started_at,
        "lastError": None,
        "schedule.current.endedAt": end.at,
    }
    changes.jobs.append(_job_change(outcome, OPEN, RunState.COMPLETED, job))


def _retry(outcome: AttemptOutcome, end: RunFailed, policy: RetryPolicy, changes: Changes) -> None:
    seconds = policy.backoff.delay_seconds(end.run_id, end.attempt)
    delay = timedelta(seconds=0 if end.error.type == LEASE_LOST else seconds)
    run = {
        "state": RunState.RETRYING.value,
        "attempt": end.attempt + 1,
        "emissions": 1,
        "emitAt": end.at + delay,
        "progress": None,
        **_beginning(outcome, end),
    }
    changes.runs.append(_run_change(outcome, OPEN, run, push=_error_of(end)))
    job = {
        "status": JobStatus.PENDING.value,
        "lastError": _last_error(end),
        "schedule.current.attempt": end.attempt + 1,
    }
    changes.jobs.append(_job_change(outcome, OPEN, RunState.QUEUED, job))


def _give_up(outcome: AttemptOutcome, end: RunFailed, changes: Changes) -> None:
    run = {
        "state": RunState.FAILED.value,
        "finishedAt": end.at,
        "progress": None,
        **_beginning(outcome, end),
    }
    changes.runs.append(_run_change(outcome, OPEN, run, push=_error_of(end)))
    job = {
        "status": JobStatus.FAILED.value,
        "lastError": _last_error(end),
        "schedule.current.endedAt": end.at,
    }
    changes.jobs.append(_job_change(outcome, OPEN, RunState.FAILED, job))
    changes.exhausted.append(end)


def _cancel(outcome: AttemptOutcome, end: RunCancelled, changes: Changes) -> None:
    run = {
        "state": RunState.CANCELLED.value,
        "finishedAt": end.at,
        "progress": None,
        **_beginning(outcome, end),
    }
    changes.runs.append(_run_change(outcome, OPEN, run))
    job = cancelled_job(end.run_id, end.attempt, end.at)
    changes.jobs.append(_job_change(outcome, OPEN, RunState.CANCELLED, job))


def cancelled_job(run_id: str, attempt: int, at: datetime | None) -> dict[str, Any]:
    """Return what a job shows whose latest run was cancelled."""
    error = {
        "type": "Cancelled",
        "message": "the run was cancelled by a user",
        "attempt": attempt,
        "at": at,
        "runId": run_id,
    }
    return {
        "status": JobStatus.FAILED.value,
        "lastError": error,
        "schedule.current.state": RunState.CANCELLED.value,
        "schedule.current.endedAt": at,
    }


def _beginning(outcome: AttemptOutcome, end: RunEnd) -> dict[str, Any]:
    """Return when and where the attempt started, as far as this batch knows."""
    known: dict[str, Any] = {}
    if end.started_at is not None:
        known["startedAt"] = end.started_at
    if outcome.started is not None:
        known["worker"] = outcome.started.worker
    return known


def _error_of(end: RunFailed) -> dict[str, Any]:
    error = {
        "type": end.error.type,
        "message": end.error.message,
        "traceback": end.error.traceback,
        "attempt": end.attempt,
        "at": end.at,
    }
    return {"errors": error}


def _last_error(end: RunFailed) -> dict[str, Any]:
    return {
        "type": end.error.type,
        "message": end.error.message,
        "attempt": end.attempt,
        "at": end.at,
        "runId": end.run_id,
    }


def _run_change(
    outcome: AttemptOutcome,
    states: tuple[str, ...],
    values: dict[str, Any],
    push: dict[str, Any] | None = None,
) -> Change:
    guard = (("attempt", (outcome.attempt,)), ("state", states))
    return Change(outcome.run_id, ("_id", outcome.run_id), guard, values, push or {})


def _job_change(
    outcome: AttemptOutcome, states: tuple[str, ...], state: RunState, values: dict[str, Any]
) -> Change:
    """Return a change of the job whose latest run this is; of any other run it shows nothing."""
    return Change(
        ObjectId(outcome.job_id),
        ("schedule.current.runId", outcome.run_id),
        (
            ("schedule.current.attempt", (outcome.attempt,)),
            ("schedule.current.state", states),
        ),
        {**values, "schedule.current.state": state.value},
    )
