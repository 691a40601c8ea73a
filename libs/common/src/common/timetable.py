"""When a recurring job occurs: a fixed grid or a cron expression, jittered, until an end.

Pure, and shared: the scheduler decides by it, and the gateway shows by it what is to come.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from common.models import from_millis, to_millis

_TICK = timedelta(milliseconds=1)
_DAY = timedelta(days=1)

_WIDER_THAN_ANY_CHANGE_OF_CLOCKS = timedelta(hours=3)


class Timetable(Protocol):
    """A strictly increasing sequence of moments."""

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first occurrence later than `moment`, None when there is none."""

    def latest_until(self, moment: datetime) -> datetime | None:
        """Return the last occurrence not later than `moment`, None when there is none."""

    def count(self, after: datetime, until: datetime) -> int:
        """Return how many occurrences are later than `after` and not later than `until`."""


@dataclass(frozen=True)
class Grid:
    """Every `interval_ms`, before and after `anchor_at`: a late firing moves no later one."""

    anchor_at: datetime
    interval_ms: int

    def next_after(self, moment: datetime) -> datetime:
        """Return the first grid point later than `moment`."""
        return self._point(self._index(moment) + 1)

    def latest_until(self, moment: datetime) -> datetime:
        """Return the last grid point not later than `moment`."""
        return self._point(self._index(moment))

    def count(self, after: datetime, until: datetime) -> int:
        """Return how many grid points are later than `after` and not later than `until`."""
        return max(0, self._index(until) - self._index(after))

    def _index(self, moment: datetime) -> int:
        return (to_millis(moment) - to_millis(self.anchor_at)) // self.interval_ms

    def _point(self, index: int) -> datetime:
        return from_millis(to_millis(self.anchor_at) + index * self.interval_ms)


@dataclass(frozen=True)
class Cron:
    """A five-field cron expression on the clocks of an IANA time zone.

    On the nights when clocks change, the rule is that of Debian's cron. An expression whose minute
    or hour begins with `*` follows real time: it skips the hour that does not exist, and occurs in
    both passes of the hour that comes twice. Any other occurs once: at the end of the gap, and in
    the first pass of the repeated hour.
    """

    expression: str
    timezone: str

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first occurrence later than `moment`; None when there is none in 50 years."""
        return next(self._forward(moment), None)

    def latest_until(self, moment: datetime) -> datetime | None:
        """Return the last occurrence not later than `moment`; None when there is none.

        The search backwards only finds a place to begin at: where clocks change it is not exact,
        and what counts is the search forwards.
        """
        start = (moment + timedelta(seconds=1)).astimezone(self._zone)
        for found in _simulate(self.expression, start, reverse=True):
            begin = found.astimezone(UTC) - _TICK
            wide = begin - _WIDER_THAN_ANY_CHANGE_OF_CLOCKS
            if self._offset(wide) != self._offset(start):
                begin = wide
            latest = None
            for at in self._forward(begin):
                if at > moment:
                    break
                latest = at
            if latest is not None:
                return latest
        return None

    def count(self, after: datetime, until: datetime) -> int:
        """Return how many occurrences are later than `after` and not later than `until`.

        Whole days on which no clock changes are not walked through: each day that the expression
        names holds the same number. A year of minutes is counted within milliseconds.
        """
        first = self._date(after) + _DAY
        last = self._date(until)
        if first >= last:
            return self._walk(after, until)
        minute, hour, *days = self.expression.split()
        noon = datetime(2001, 1, 1, 12, tzinfo=UTC)
        on_each_day = Cron(f"{minute} {hour} * * *", "UTC")._walk(noon, noon + _DAY)
        number = self._walk(after, self._midnight(first) - _TICK)
        number += self._walk(self._midnight(last) - _TICK, until)
        before = datetime.combine(first, time())
        for found in CronSim(" ".join(["0", "12", *days]), before):
            day = found.date()
            if day >= last:
                break
            begin, end = self._midnight(day) - _TICK, self._midnight(day + _DAY) - _TICK
            is_plain = self._offset(begin) == self._offset(end)
            number += on_each_day if is_plain else self._walk(begin, end)
        return number

    def _walk(self, after: datetime, until: datetime) -> int:
        number = 0
        for at in self._forward(after):
            if at > until:
                break
            number += 1
        return number

    def _forward(self, moment: datetime) -> Iterator[datetime]:
        """Yield the occurrences later than `moment`.

        From within a repeated hour the search begins in its first pass, and several times within
        a gap all become its end: what is not later than the one before is passed over.
        """
        latest = moment
        for found in _simulate(self.expression, moment.astimezone(self._zone)):
            at = found.astimezone(UTC)
            if at > latest:
                yield at
                latest = at

    def _offset(self, moment: datetime) -> timedelta | None:
        return moment.astimezone(self._zone).utcoffset()

    def _date(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self._zone).astimezone(UTC)

    @property
    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.timezone)
        except OSError as error:  # a folder of zones, such as `Europe`
            raise ValueError(f"{self.timezone!r} is not a time zone") from error


@dataclass(frozen=True)
class Jittered:
    """Each occurrence of `nominal` later by less than `jitter_ms`, and before the next one.

    By how much is derived from `seed` and the nominal moment: whoever asks, and however often, gets
    the same moment.
    """

    nominal: Timetable
    jitter_ms: int
    seed: str

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first jittered occurrence later than `moment`."""
        begun = self.nominal.latest_until(moment)
        if begun is not None and (at := self._jitter(begun)) > moment:
            return at
        following = self.nominal.next_after(moment)
        return None if following is None else self._jitter(following)

    def latest_until(self, moment: datetime) -> datetime | None:
        """Return the last jittered occurrence not later than `moment`."""
        latest = self._latest_nominal(moment)
        return None if latest is None else self._jitter(latest)

    def count(self, after: datetime, until: datetime) -> int:
        """Return how many jittered occurrences are later than `after`, not later than `until`."""
        last = self._latest_nominal(until)
        if last is None:
            return 0
        return self.nominal.count(self._latest_nominal(after) or after, last)

    def _latest_nominal(self, moment: datetime) -> datetime | None:
        begun = self.nominal.latest_until(moment)
        if begun is None or self._jitter(begun) <= moment:
            return begun
        return self.nominal.latest_until(begun - _TICK)

    def _jitter(self, nominal: datetime) -> datetime:
        following = self.nominal.next_after(nominal)
        room = self.jitter_ms
        if following is not None:
            room = min(room, to_millis(following) - to_millis(nominal))
        return nominal + timedelta(milliseconds=phase(f"{self.seed}:{to_millis(nominal)}", room))


@dataclass(frozen=True)
class Until:
    """The occurrences of `timetable` not later than `end_at`."""

    timetable: Timetable
    end_at: datetime

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first occurrence later than `moment`."""
        following = self.timetable.next_after(moment)
        return None if following is None or following > self.end_at else following

    def latest_until(self, moment: datetime) -> datetime | None:
        """Return the last occurrence not later than `moment`."""
        return self.timetable.latest_until(min(moment, self.end_at))

    def count(self, after: datetime, until: datetime) -> int:
        """Return how many occurrences are later than `after` and not later than `until`."""
        end = min(until, self.end_at)
        return self.timetable.count(after, end) if after < end else 0


def create_timetable(
    *,
    job_id: str,
    interval_ms: int | None,
    anchor_at: datetime,
    cron: str | None = None,
    timezone: str | None = None,
    jitter_ms: int = 0,
    end_at: datetime | None = None,
) -> Timetable | None:
    """Return when a job occurs, None for a job that runs once.

    Args:
        job_id: What the jitter is derived from.
        interval_ms: Distance of two occurrences, unless there is a cron expression.
        anchor_at: Origin of the grid.
        cron: Five-field expression.
        timezone: IANA name of the zone whose clocks the expression means; UTC when absent.
        jitter_ms: How much later than its moment an occurrence may be.
        end_at: No occurrence is later.
    """
    timetable: Timetable
    if cron is not None:
        timetable = Cron(cron, timezone or "UTC")
    elif interval_ms is not None:
        timetable = Grid(anchor_at, interval_ms)
    else:
        return None
    if jitter_ms:
        timetable = Jittered(timetable, jitter_ms, job_id)
    return timetable if end_at is None else Until(timetable, end_at)


def check_cron(expression: str) -> str:
    """Return a valid cron `expression`, its fields separated by one space.

    Raises:
        ValueError: It is not five fields as cron(8) of Debian knows them.
    """
    fields = expression.split()
    if len(fields) != 5:
        raise ValueError(
            "expected five fields (minute, hour, day of month, month, day of week), such as "
            f"'30 9 * * MON-FRI', got {len(fields)}"
        )
    _simulate(expression, datetime(2001, 1, 1, tzinfo=UTC))
    return " ".join(fields)


def _simulate(expression: str, start: datetime, *, reverse: bool = False) -> CronSim:
    try:
        return CronSim(expression, start, reverse)
    except (CronSimError, AssertionError) as error:
        reason = str(error) or "a step of something that is no number"
        raise ValueError(f"not a cron expression: {expression!r}: {reason}") from error


def phase(seed: str, room_ms: int) -> int:
    """Return a number in [0, `room_ms`) that is always the same for `seed`, and spread evenly."""
    digest = hashlib.blake2b(seed.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % room_ms
