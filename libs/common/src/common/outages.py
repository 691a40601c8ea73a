"""Tells the log once that something does not work, however often it is tried meanwhile."""

import logging
import time
from typing import Any

REMIND_SECONDS = 60.0
"""A failure that goes on is logged again after so long."""


def describe_error(error: BaseException) -> str:
    """Return the type and code of `error`.

    Not its text: that of a connection error may hold an address or credentials.
    """
    code = getattr(error, "code", None)
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"


class Outage:
    """Failures in a row of one activity: the first is logged, then one a minute, then the end."""

    def __init__(self, logger: logging.Logger, activity: str, **fields: Any) -> None:
        """Log to `logger` that one cannot do `activity`, such as "emit", with `fields`."""
        self._logger = logger
        self._activity = activity
        self._fields = fields
        self._since: float | None = None
        self._logged_at = 0.0

    @property
    def seconds(self) -> float | None:
        """How long it has not worked, None when it works."""
        return None if self._since is None else time.monotonic() - self._since

    def note(self, error: BaseException) -> None:
        """Take note of a failed try."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        elif now - self._logged_at < REMIND_SECONDS:
            return
        self._logged_at = now
        self._logger.warning(
            "cannot %s, trying again",
            self._activity,
            extra={
                **self._fields,
                "error": describe_error(error),
                "since_seconds": round(now - self._since),
            },
        )

    def end(self) -> None:
        """Take note of success."""
        if self._since is not None:
            seconds = round(time.monotonic() - self._since, 1)
            self._logger.info(
                "can %s again", self._activity, extra={**self._fields, "after_seconds": seconds}
            )
            self._since = None
