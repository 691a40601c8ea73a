"""Names of streams and groups, how an event becomes an entry, and groups that miss nothing."""

from typing import Final

from pydantic import BaseModel
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from redis.typing import EncodableT, FieldT

OUTCOMES_STREAM: Final = "jobs.outcomes"
DEAD_STREAM: Final = "jobs.dead"
SCHEDULER_GROUP: Final = "scheduler"
WAKE_CHANNEL: Final = "jobs.wake"
"""Pub/sub channel on which the gateway tells schedulers to look at once; losing a message costs
at most one scan interval."""

DATA_FIELD: Final = "__data__"
"""The field in which FastStream looks for a message's body."""


CANCELLED: Final = "cancelled"
"""Value of the lease of an attempt that nobody is to begin or go on with."""

FINISHED_SECONDS: Final = 60
"""How long a finished attempt's lease is kept, so that a duplicate of its event is recognised."""


def due_stream(action: str) -> str:
    """Return the stream of due events of `action`."""
    return f"jobs.due.{action}"


def workers_group(action: str) -> str:
    """Return the consumer group in which all workers of `action` share its stream."""
    return f"{action}-workers"


def lease_key(run_id: str, attempt: int) -> str:
    """Return the Redis key that is held while a worker carries out this attempt."""
    return f"jobs.lease:{run_id}:{attempt}"


def to_entry(event: BaseModel) -> dict[FieldT, EncodableT]:
    """Return the stream entry of an event: its JSON where FastStream expects a message body."""
    return {DATA_FIELD: event.model_dump_json()}


async def ensure_group(redis: Redis, stream: str, group: str) -> None:
    """Create `group` at the beginning of `stream` unless it exists.

    At the beginning, because a group created at the end silently skips what was emitted before the
    first consumer started, or between a flush of Redis and the restart.
    """
    try:
        await redis.xgroup_create(stream, group, id="0", mkstream=True)
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
