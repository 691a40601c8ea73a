"""What the scheduler reads from its environment."""

from pydantic import PositiveFloat, PositiveInt

from common.settings import ServiceSettings


class SchedulerSettings(ServiceSettings):
    """Times in seconds. Built once, in `main`."""

    look_ahead_seconds: PositiveFloat = 1.0
    """Runs are created this long before they are due, and emitted at their moment."""

    scan_seconds: PositiveFloat = 0.2
    """Pause between two looks for due jobs when nobody wakes the scheduler."""

    claim_seconds: PositiveFloat = 10.0
    """After this time another replica may take over what a dead one has claimed."""

    batch_size: PositiveInt = 1_000
    """Most jobs claimed, outcomes applied or runs recovered at once."""

    retry_initial_seconds: PositiveFloat = 5.0
    retry_coefficient: PositiveFloat = 2.0
    retry_maximum_seconds: PositiveFloat = 300.0

    runs_retention_days: PositiveFloat | None = 90.0
    """How long runs that have ended, and dead letters, are kept; for ever when None."""

    lost_after_seconds: PositiveFloat = 1.5
    """A run is lost when it should have been picked up, or its lease is gone, for this long."""
