"""When a job runs: intervals, times, and what a change of them means."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from common.states import JobType
from gateway.problems import ProblemError
from gateway.requests import JobRequest, interval_millis, parse_moment
from gateway.timing import decide_timing

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
JOB = "65a5c1d2e4b0a1b2c3d4e5f6"
LATER = "2031-02-03T04:05:06Z"


def _request(**fields: Any) -> JobRequest:
    return JobRequest.model_validate(
        {"action": "wallet_snapshot", "payload": {}, "type": "retry", **fields}
    )


def _pointers(problem: ProblemError) -> list[str | None]:
    return [error.pointer for error in problem.errors]


@pytest.mark.parametrize("word", ["retry", "recurring"])
def test_the_first_run_of_a_recurring_job_is_due_at_creation(word: str) -> None:
    timing = decide_timing(_request(type=word, intervalMinutes=15), 60, NOW, JOB)

    assert timing.type is JobType.RECURRING
    assert timing.interval_ms == 900_000
    assert timing.first_run_at == timing.anchor_at == NOW


def test_a_scheduled_job_is_due_at_its_time_even_if_that_is_past() -> None:
    timing = decide_timing(
        _request(type="scheduled", scheduledAt="2020-01-01T00:00:00Z"), 60, NOW, JOB
    )

    assert timing.type is JobType.SCHEDULED
    assert timing.first_run_at == timing.anchor_at == datetime(2020, 1, 1, tzinfo=UTC)
    assert timing.interval_ms is None


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
        decide_timing(_request(**fields), 60, NOW, JOB)

    assert _pointers(caught.value) == pointers


def test_a_missing_interval_is_told_with_one_that_suits() -> None:
    with pytest.raises(ProblemError, match="60 suits this action"):
        decide_timing(_request(), 60, NOW, JOB)


@given(st.integers(1000, 525_600 * 60_000))
def test_an_interval_of_whole_milliseconds_survives_the_way_through_minutes(millis: int) -> None:
    request = _request(intervalMinutes=millis / 60_000)

    assert decide_timing(request, 60, NOW, JOB).interval_ms == millis


@given(st.floats())
def test_an_accepted_interval_is_between_a_second_and_a_year(minutes: float) -> None:
    try:
        request = _request(intervalMinutes=minutes)
    except ValidationError:
        return
    assert request.interval_minutes is not None
    assert 1000 <= interval_millis(request.interval_minutes) <= 525_600 * 60_000


def test_the_shortest_interval_is_one_second() -> None:
    assert decide_timing(_request(intervalMinutes=1 / 60), 60, NOW, JOB).interval_ms == 1000
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


def test_a_start_in_the_future_is_the_first_run_and_the_origin_of_the_grid() -> None:
    timing = decide_timing(_request(intervalMinutes=60, startAt=LATER), 60, NOW, JOB)

    assert timing.first_run_at == timing.anchor_at == datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)


def test_a_start_in_the_past_gives_the_grid_its_phase() -> None:
    request = _request(intervalMinutes=60, startAt="2029-12-31T00:20:00Z")

    assert decide_timing(request, 60, NOW, JOB).first_run_at == NOW + timedelta(minutes=20)


def test_a_cron_job_runs_by_the_clocks_of_its_zone() -> None:
    request = _request(
        cron="30 9 * * MON-FRI", timezone="Asia/Tokyo", startAt="2030-01-05T00:00:00Z"
    )
    timing = decide_timing(request, 60, NOW, JOB)

    assert timing.first_run_at == datetime(2030, 1, 7, 0, 30, tzinfo=UTC)
    assert timing.interval_ms is None


def test_spread_jobs_begin_within_the_first_interval_each_at_a_moment_of_its_own() -> None:
    request = _request(intervalMinutes=60, spread=True)
    first = [decide_timing(request, 60, NOW, f"job {each}").first_run_at for each in range(50)]

    assert len(set(first)) == 50
    assert all(NOW <= moment < NOW + timedelta(hours=1) for moment in first)
    assert first[0] == decide_timing(request, 60, NOW, "job 0").first_run_at


def test_a_jittered_first_run_is_late_by_less_than_the_jitter() -> None:
    request = _request(intervalMinutes=60, jitterSeconds=30)
    late = decide_timing(request, 60, NOW, JOB).first_run_at - NOW

    assert timedelta(0) < late < timedelta(seconds=30)


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"cron": "0 0 * * *", "intervalMinutes": 5}, ["#/cron"]),
        ({"intervalMinutes": 5, "timezone": "Europe/Berlin"}, ["#/timezone"]),
        ({"cron": "0 0 * * *", "spread": True}, ["#/spread"]),
        ({"intervalMinutes": 5, "endAt": "2029-01-01T00:00:00Z"}, ["#/endAt"]),
        ({"intervalMinutes": 5, "startAt": LATER, "endAt": "2030-02-01T00:00:00Z"}, ["#/endAt"]),
        (
            {"type": "scheduled", "scheduledAt": LATER, "cron": "0 0 * * *", "maxRuns": 1},
            ["#/cron", "#/maxRuns"],
        ),
        (
            {"type": "scheduled", "scheduledAt": LATER, "jitterSeconds": 1, "spread": True},
            ["#/jitterSeconds", "#/spread"],
        ),
    ],
)
def test_timing_that_contradicts_itself_is_refused(
    fields: dict[str, Any], pointers: list[str]
) -> None:
    with pytest.raises(ProblemError) as caught:
        decide_timing(_request(**fields), 60, NOW, JOB)

    assert _pointers(caught.value) == pointers


@pytest.mark.parametrize(
    "fields",
    [
        {"cron": "61 * * * *"},
        {"cron": "0 0 * * *", "timezone": "Mars/Olympus"},
        {"cron": "0 0 * * *", "timezone": "../../etc/passwd"},
        {"intervalMinutes": 5, "maxRuns": 0},
        {"intervalMinutes": 5, "jitterSeconds": -1},
        {"intervalMinutes": 5, "overlap": "buffer_one"},
        {"intervalMinutes": 5, "catchUpWindowMinutes": 0},
        {"intervalMinutes": 5, "pauseAfterFailures": 0},
        {"intervalMinutes": 5, "backoff": {"initialSeconds": 10, "maximumSeconds": 5}},
        {"intervalMinutes": 5, "backoff": {"coefficient": 0.5}},
    ],
    ids=str,
)
def test_values_without_meaning_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _request(**fields)
