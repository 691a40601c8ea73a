"""What a batch of outcomes means, before any of it is written."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from common.events import Failure, RunCompleted, RunFailed, RunProgress, RunStarted
from scheduler.backoff import Backoff, RetryPolicy
from scheduler.outcomes import AttemptOutcome, OutcomeEvent, fold, translate

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BACKOFF = Backoff(8, 2, 100)
JOB = str(ObjectId())


def policies(**max_attempts: int) -> dict[str, RetryPolicy]:
    return {run: RetryPolicy(number, BACKOFF) for run, number in max_attempts.items()}


def identity(run: str = "run", attempt: int = 1) -> dict[str, Any]:
    return {"run_id": run, "job_id": JOB, "action": "wallet_snapshot", "attempt": attempt}


def started(run: str = "run", attempt: int = 1) -> RunStarted:
    return RunStarted(**identity(run, attempt), worker="w1", at=NOON)


def progress(step: str, run: str = "run", attempt: int = 1) -> RunProgress:
    return RunProgress(**identity(run, attempt), step=step, at=NOON)


def completed(run: str = "run", attempt: int = 1) -> RunCompleted:
    return RunCompleted(
        **identity(run, attempt),
        result_id=run,
        alerts_count=0,
        summary={},
        started_at=NOON,
        at=NOON,
    )


def failed(run: str = "run", attempt: int = 1, *, retryable: bool = True) -> RunFailed:
    return RunFailed(
        **identity(run, attempt),
        error=Failure(type="E", message="m"),
        retryable=retryable,
        started_at=None,
        at=NOON,
    )


events = st.builds(
    lambda kind, run, attempt: kind(run, attempt),
    st.sampled_from(
        [started, completed, failed, lambda run, attempt: progress("step", run, attempt)]
    ),
    st.sampled_from(["a", "b", "c"]),
    st.integers(1, 3),
)


@given(st.lists(events))
def test_each_attempt_is_folded_into_one_outcome(batch: list[OutcomeEvent]) -> None:
    outcomes = fold(batch)
    names = [(each.run_id, each.attempt) for each in outcomes]
    assert len(names) == len(set(names))
    assert set(names) == {(event.run_id, event.attempt) for event in batch}
    for outcome in outcomes:
        mine = [e for e in batch if (e.run_id, e.attempt) == (outcome.run_id, outcome.attempt)]
        ends = [event for event in mine if isinstance(event, RunCompleted | RunFailed)]
        assert outcome.end is (ends[0] if ends else None)


@given(st.lists(events))
def test_a_repeated_batch_folds_to_the_same(batch: list[OutcomeEvent]) -> None:
    assert fold([*batch, *batch]) == fold(batch)


@given(st.lists(events))
def test_every_update_names_run_attempt_and_states(batch: list[OutcomeEvent]) -> None:
    changes = translate(fold(batch), policies(a=2, b=2))
    for change in changes.runs:
        guard = dict(change.guard)
        assert change.key == ("_id", change.document_id)
        assert guard.keys() == {"attempt", "state"}
        assert set(guard["state"]) <= {"queued", "running"}
    for change in changes.jobs:
        guard = dict(change.guard)
        assert change.document_id == ObjectId(JOB)
        assert change.key[0] == "schedule.current.runId"
        assert guard.keys() == {"schedule.current.attempt", "schedule.current.state"}
        assert set(guard["schedule.current.state"]) <= {"queued", "running"}


def test_the_latest_step_counts() -> None:
    (outcome,) = fold([progress("one"), progress("two")])
    assert outcome == AttemptOutcome("run", JOB, 1, progress=progress("two"))


def test_a_start_may_only_follow_the_queue() -> None:
    changes = translate(fold([started()]), {})
    assert [dict(change.guard)["state"] for change in changes.runs] == [("queued",)]


def test_steps_of_an_attempt_that_has_ended_are_not_written() -> None:
    changes = translate(fold([progress("late"), completed()]), {})
    (change,) = changes.runs
    assert change.values["progress"] is None


@pytest.mark.parametrize(
    ("attempt", "max_attempts", "retryable", "given_up"),
    [
        (1, 3, True, False),
        (2, 3, True, False),
        (3, 3, True, True),
        (1, 1, True, True),
        (1, 3, False, True),
        (5, 3, True, True),
    ],
)
def test_a_failed_attempt_is_followed_by_another_while_that_makes_sense(
    attempt: int, max_attempts: int, retryable: bool, given_up: bool
) -> None:
    event = failed(attempt=attempt, retryable=retryable)
    changes = translate(fold([event]), policies(run=max_attempts))
    assert changes.exhausted == ([event] if given_up else [])
    (run,), (job,) = changes.runs, changes.jobs
    assert run.values["state"] == ("failed" if given_up else "retrying")
    assert job.values["status"] == ("failed" if given_up else "pending")
    assert job.values["schedule.current.state"] == ("failed" if given_up else "queued")


def test_the_next_attempt_is_due_after_the_pause() -> None:
    (run,) = translate(fold([failed(attempt=2)]), policies(run=3)).runs
    pause = timedelta(seconds=BACKOFF.delay_seconds("run", 2))
    assert run.values["emitAt"] == NOON + pause
    assert (run.values["attempt"], run.values["emissions"]) == (3, 1)


def test_a_run_whose_worker_died_is_due_again_at_once() -> None:
    lost = failed().model_copy(update={"error": Failure(type="LeaseLost", message="m")})
    (run,) = translate(fold([lost]), policies(run=3)).runs
    assert (run.values["state"], run.values["emitAt"]) == ("retrying", NOON)


def test_a_failure_of_a_run_that_no_longer_exists_changes_nothing() -> None:
    changes = translate(fold([failed()]), {})
    assert (changes.runs, changes.jobs, changes.exhausted) == ([], [], [])
