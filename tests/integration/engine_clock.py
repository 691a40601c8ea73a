"""The time of a small world, which stands still but for `advance`."""

from datetime import datetime, timedelta

from common.models import from_millis, now_utc, to_millis


class Present:
    """The moment that everybody with a right clock sees, in whole milliseconds."""

    def __init__(self) -> None:
        self.now = from_millis(to_millis(now_utc()))

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by

    def tick(self) -> datetime:
        """Return a moment that is nobody else's: users act one after the other."""
        self.advance(timedelta(milliseconds=1))
        return self.now
