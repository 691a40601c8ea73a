"""Occurrences of grids and cron expressions, on ordinary days and when clocks change."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.timetable import Cron, Grid, Jittered, Timetable, Until, check_cron, phase

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "UTC"]
EXPRESSIONS = [
    "30 2 * * *",
    "0,30 1-3 * * *",
    "*/20 * * * *",
    "*/30 2 * * *",
    "15 */2 * * *",
    "0 0 * * SUN",
    "45 1,2 * * 1-5",
    "0 12 1,15 * 5",
]
TICK = timedelta(milliseconds=1)

moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(  # noqa: DTZ001  # zone added
    lambda moment: moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
)
near_changes = st.sampled_from(
    [
        datetime(2026, 3, 29, 1, tzinfo=UTC),  # Berlin springs forward
        datetime(2026, 10, 25, 1, tzinfo=UTC),  # and falls back
        datetime(2026, 3, 8, 7, tzinfo=UTC),  # New York
        datetime(2026, 11, 1, 6, tzinfo=UTC),
        datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe, by half an hour
        datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
        datetime(2026, 4, 5, 3, tzinfo=UTC),  # Santiago, at midnight
        datetime(2026, 9, 6, 4, tzinfo=UTC),
    ]
).flatmap(lambda change: st.integers(-10_800, 10_800).map(lambda s: change + timedelta(seconds=s)))
any_moment = moments | near_changes
grids = st.builds(Grid, moments, st.integers(1_000, 10**8))
crons = st.builds(Cron, st.sampled_from(EXPRESSIONS), st.sampled_from(ZONES))
nominal = grids | crons
timetables = nominal | st.builds(Jittered, nominal, st.integers(1, 10**7), st.text(max_size=3))


def utc(day: str, *times: str) -> list[datetime]:
    return [datetime.fromisoformat(f"{day}T{time}:00Z") for time in times]


def on(day: str, expression: str, zone: str) -> list[datetime]:
    """Return the occurrences on a day of that zone's calendar, in UTC."""
    cron = Cron(expression, zone)
    after = cron._midnight(datetime.fromisoformat(day).date()) - TICK
    end = cron._midnight(datetime.fromisoformat(day).date() + timedelta(days=1))
    found = []
    while (at := cron.next_after(after)) is not None and at < end:
        found.append(at)
        after = at
    return found


SPRING = [
    # Berlin: 02:00 becomes 03:00, at 01:00 UTC
    ("2026-03-29", "30 2 * * *", "Europe/Berlin", utc("2026-03-29", "01:00")),
    ("2026-03-29", "0,30 2 * * *", "Europe/Berlin", utc("2026-03-29", "01:00")),
    ("2026-03-29", "30 3 * * *", "Europe/Berlin", utc("2026-03-29", "01:30")),
    ("2026-03-29", "*/30 2 * * *", "Europe/Berlin", []),
    ("2026-03-29", "30 1-3 * * *", "Europe/Berlin", utc("2026-03-29", "00:30", "01:00", "01:30")),
    # New York: 02:00 becomes 03:00, at 07:00 UTC
    ("2026-03-08", "15 2 * * *", "America/New_York", utc("2026-03-08", "07:00")),
    ("2026-03-08", "*/20 2 * * *", "America/New_York", []),
    # Lord Howe: 02:00 becomes 02:30, at 15:30 UTC of the day before
    ("2026-10-04", "15 2 * * *", "Australia/Lord_Howe", utc("2026-10-03", "15:30")),
    ("2026-10-04", "45 2 * * *", "Australia/Lord_Howe", utc("2026-10-03", "15:45")),
]

AUTUMN = [
    # Berlin: 03:00 becomes 02:00, at 01:00 UTC
    ("2026-10-25", "30 2 * * *", "Europe/Berlin", utc("2026-10-25", "00:30")),
    ("2026-10-25", "0,30 2 * * *", "Europe/Berlin", utc("2026-10-25", "00:00", "00:30")),
    (
        "2026-10-25",
        "*/30 2 * * *",
        "Europe/Berlin",
        utc("2026-10-25", "00:00", "00:30", "01:00", "01:30"),
    ),
    # New York: 02:00 becomes 01:00, at 06:00 UTC
    ("2026-11-01", "30 1 * * *", "America/New_York", utc("2026-11-01", "05:30")),
    (
        "2026-11-01",
        "*/30 1 * * *",
        "America/New_York",
        utc("2026-11-01", "05:00", "05:30", "06:00", "06:30"),
    ),
    # Lord Howe: 02:00 becomes 01:30, at 15:00 UTC of the day before
    ("2026-04-05", "45 1 * * *", "Australia/Lord_Howe", utc("2026-04-04", "14:45")),
    (
        "2026-04-05",
        "*/15 1 * * *",
        "Australia/Lord_Howe",
        utc("2026-04-04", "14:00", "14:15", "14:30", "14:45", "15:00", "15:15"),
    ),
]


@pytest.mark.parametrize(("day", "expression", "zone", "expected"), SPRING + AUTUMN)
def test_when_clocks_change_stars_follow_real_time_and_fixed_times_occur_once(
    day: str, expression: str, zone: str, expected: list[datetime]
) -> None:
    assert on(day, expression, zone) == expected


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)]
)
def test_an_hourly_expression_occurs_in_every_real_hour(day: str, hours: int) -> None:
    assert len(on(day, "0 * * * *", "Europe/Berlin")) == hours


def test_a_daily_expression_keeps_its_local_time_through_the_year() -> None:
    cron = Cron("0 9 * * *", "America/New_York")
    winter, summer = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 7, 10, tzinfo=UTC)
    assert cron.next_after(winter) == datetime(2026, 1, 10, 14, tzinfo=UTC)
    assert cron.next_after(summer) == datetime(2026, 7, 10, 13, tzinfo=UTC)


@given(timetables, any_moment)
def test_the_next_and_the_latest_occurrence_lie_on_either_side(
    timetable: Timetable, moment: datetime
) -> None:
    following, latest = timetable.next_after(moment), timetable.latest_until(moment)
    assert following is not None
    assert latest is not None
    assert latest <= moment < following
    assert timetable.next_after(latest) == following
    assert timetable.latest_until(following) == following
    assert timetable.latest_until(following - TICK) == latest


@given(timetables, any_moment, st.integers(0, 60))
def test_walking_and_counting_agree(timetable: Timetable, start: datetime, steps: int) -> None:
    at = start
    for _ in range(steps):
        following = timetable.next_after(at)
        assert following is not None
        at = following
    assert timetable.count(start, at) == steps
    assert timetable.count(at, start) == 0


@settings(max_examples=25)
@given(crons, any_moment, st.integers(0, 500 * 86_400))
def test_counting_by_days_agrees_with_walking(cron: Cron, start: datetime, seconds: int) -> None:
    until = start + timedelta(seconds=seconds)
    assert cron.count(start, until) == cron._walk(start, until)


@given(nominal, st.integers(1, 10**7), st.text(max_size=5), any_moment)
def test_jitter_is_the_same_for_everybody_and_never_reaches_the_next_occurrence(
    timetable: Timetable, jitter_ms: int, seed: str, moment: datetime
) -> None:
    jittered = Jittered(timetable, jitter_ms, seed)
    at = timetable.next_after(moment)
    assert at is not None
    late, following = jittered._jitter(at), timetable.next_after(at)
    assert following is not None
    assert at <= late < min(following, at + timedelta(milliseconds=jitter_ms))
    assert late == Jittered(timetable, jitter_ms, seed)._jitter(at)


@given(timetables, any_moment, any_moment)
def test_nothing_occurs_after_the_end(
    timetable: Timetable, end_at: datetime, moment: datetime
) -> None:
    until = Until(timetable, end_at)
    following, latest = until.next_after(moment), until.latest_until(moment)
    assert following is None or moment < following <= end_at
    assert latest is not None
    assert latest <= end_at
    assert (following is None) == (until.count(moment, datetime(2100, 1, 1, tzinfo=UTC)) == 0)


def test_jobs_of_the_same_interval_get_evenly_spread_phases() -> None:
    tenths = [phase(f"job {number}", 60_000) // 6_000 for number in range(1_000)]
    assert all(60 <= tenths.count(tenth) <= 150 for tenth in range(10))


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * *",
        "61 * * * *",
        "*/0 * * * *",
        "a b c d e",
        "0 0 31 2 *",
        "@daily",
    ],
)
def test_what_is_no_cron_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"cron expression|five fields"):
        check_cron(expression)


@given(st.text("0123456789*/-,#LW SUNMOJAFE", max_size=20))
def test_any_text_is_a_cron_expression_or_is_refused(text: str) -> None:
    try:
        expression = check_cron(text)
    except ValueError:
        return
    Cron(expression, "UTC").next_after(datetime(2026, 1, 1, tzinfo=UTC))
