"""When a job runs: intervals, times, and what a change of them means."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from common.states import JobType
from gateway.problems import ProblemError
from gateway.requests import JobChanges, JobRequest, interval_millis, parse_moment
from gateway.timing import decide_new_timing, decide_timing

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
LATER = "2031-02-03T04:05:06Z"


def _request(**fields: Any) -> JobRequest:
    return JobRequest.model_validate(
        {"action": "wallet_snapshot", "payload": {}, "type": "retry", **fields}
    )


def _pointers(problem: ProblemError) -> list[str | None]:
    return [error.pointer for error in problem.errors]


@pytest.mark.parametrize("word", ["retry", "recurring"])
def test_the_first_run_of_a_recurring_job_is_due_at_creation(word: str) -> None:
    timing = decide_timing(_request(type=word, intervalMinutes=15), 60, NOW)

    assert timing.type is JobType.RECURRING
    assert (timing.interval_minutes, timing.interval_ms) == (15, 900_000)
    assert timing.first_run_at == NOW
    assert timing.scheduled_at is None


def test_a_scheduled_job_is_due_at_its_time_even_if_that_is_past() -> None:
    timing = decide_timing(_request(type="scheduled", scheduledAt="2020-01-01T00:00:00Z"), 60, NOW)

    assert timing.type is JobType.SCHEDULED
    assert timing.first_run_at == timing.scheduled_at == datetime(2020, 1, 1, tzinfo=UTC)
    assert timing.interval_ms is timing.interval_minutes is None


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"type": "retry"}, ["#/intervalMinutes"]),
        ({"type": "retry", "scheduledAt": LATER}, ["#/scheduledAt", "#/intervalMinutes"]),
        ({"type": "retry", "intervalMinutes": 1, "scheduledAt": LATER}, ["#/scheduledAt"]),
        ({"type": "scheduled"}, ["#/scheduledAt"]),
        ({"type": "scheduled", "intervalMinutes": 1}, ["#/intervalMinutes", "#/scheduledAt"]),
        (
            {"type": "scheduled", "intervalMinutes": 1, "scheduledAt": LATER},
            ["#/intervalMinutes"],
        ),
    ],
)
def test_what_is_missing_or_does_not_belong_is_named(
    fields: dict[str, Any], pointers: list[str]
) -> None:
    with pytest.raises(ProblemError) as caught:
        decide_timing(_request(**fields), 60, NOW)

    assert _pointers(caught.value) == pointers


def test_a_missing_interval_is_told_with_one_that_suits() -> None:
    with pytest.raises(ProblemError, match="60 suits this action"):
        decide_timing(_request(), 60, NOW)


@given(st.integers(1000, 525_600 * 60_000))
def test_an_interval_of_whole_milliseconds_survives_the_way_through_minutes(millis: int) -> None:
    request = _request(intervalMinutes=millis / 60_000)

    assert decide_timing(request, 60, NOW).interval_ms == millis


@given(st.floats())
def test_an_accepted_interval_is_between_a_second_and_a_year(minutes: float) -> None:
    try:
        request = _request(intervalMinutes=minutes)
    except ValidationError:
        return
    assert request.interval_minutes is not None
    assert 1000 <= interval_millis(request.interval_minutes) <= 525_600 * 60_000


def test_the_shortest_interval_is_one_second() -> None:
    assert decide_timing(_request(intervalMinutes=1 / 60), 60, NOW).interval_ms == 1000
    with pytest.raises(ValidationError, match="at least one second"):
        _request(intervalMinutes=0.9 / 60)


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2999, 12, 30)),  # noqa: DTZ001  # zone added below
    st.integers(-1439, 1439),
)
def test_a_time_in_any_zone_is_the_same_moment_in_utc(local: datetime, offset: int) -> None:
    sign = "-" if offset < 0 else "+"
    text = f"{local.isoformat()}{sign}{abs(offset) // 60:02}:{abs(offset) % 60:02}"

    moment = parse_moment(text)

    exact = local.replace(tzinfo=UTC) - timedelta(minutes=offset)
    assert moment.utcoffset() == timedelta(0)
    assert timedelta(0) <= exact - moment < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "text", ["2030-01-01t00:00:00z", "2030-01-01 00:00:00Z", "2030-01-01T00:00:00.123456789Z"]
)
def test_all_spellings_of_rfc_3339_are_read(text: str) -> None:
    assert parse_moment(text).replace(microsecond=0) == datetime(2030, 1, 1, tzinfo=UTC)


def test_a_new_interval_starts_a_grid_that_never_postpones_the_next_run() -> None:
    fields = decide_new_timing(
        JobChanges.model_validate({"intervalMinutes": 30}), JobType.RECURRING, NOW
    )

    next_run = {"$min": ["$nextRunAt", NOW + timedelta(minutes=30)]}
    assert fields["nextRunAt"] == fields["schedule.anchorAt"] == next_run
    assert (fields["intervalMinutes"], fields["schedule.intervalMs"]) == (30, 1_800_000)


def test_a_new_time_is_the_next_run() -> None:
    fields = decide_new_timing(
        JobChanges.model_validate({"scheduledAt": LATER}), JobType.SCHEDULED, NOW
    )

    moment = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert fields["scheduledAt"] == fields["nextRunAt"] == fields["schedule.anchorAt"] == moment


@pytest.mark.parametrize(
    ("changes", "job_type"),
    [
        ({"intervalMinutes": 30}, JobType.SCHEDULED),
        ({"scheduledAt": LATER}, JobType.RECURRING),
    ],
)
def test_timing_of_the_other_type_is_refused(changes: dict[str, Any], job_type: JobType) -> None:
    with pytest.raises(ProblemError) as caught:
        decide_new_timing(JobChanges.model_validate(changes), job_type, NOW)

    assert _pointers(caught.value) == [f"#/{next(iter(changes))}"]


def test_other_changes_leave_the_timing_alone() -> None:
    changes = JobChanges.model_validate({"maxAttempts": 4, "status": "pending"})

    assert decide_new_timing(changes, JobType.RECURRING, NOW) == {}
