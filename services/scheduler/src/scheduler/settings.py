"""What the scheduler reads from its environment."""

from pydantic import PositiveFloat, PositiveInt

from common.settings import ServiceSettings


class SchedulerSettings(ServiceSettings):
    """Times in seconds. Built once, in `main`."""

    look_ahead_seconds: PositiveFloat = 1.0
    """Runs are created this long before they are due, and emitted at their moment."""

    scan_seconds: PositiveFloat = 0.2
    """Pause between two looks for due jobs when nobody wakes the scheduler."""

    pass_seconds: PositiveFloat = 10.0
    """A look at due jobs that takes longer, as that of a frozen process, creates nothing more."""

    batch_size: PositiveInt = 1_000
    """Most jobs moved on, runs recovered or requests answered at once."""

    retry_initial_seconds: PositiveFloat = 5.0
    retry_coefficient: PositiveFloat = 2.0
    retry_maximum_seconds: PositiveFloat = 300.0

    runs_retention_days: PositiveFloat | None = 90.0
    """How long runs that have ended, and dead letters, are kept; for ever when None."""

    lost_after_seconds: PositiveFloat = 1.5
    """A run is lost when it should have been picked up, or its lease is gone, for this long."""
