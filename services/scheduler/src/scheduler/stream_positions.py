"""What Redis knows of a stream that MongoDB does not: how far its group has read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from common.models import from_millis


@dataclass(frozen=True)
class Position:
    """How far a consumer group has come.

    Attributes:
        delivered_until: Time of the newest entry handed to a consumer, None before the first.
        waiting: There are entries that no consumer has been given.
        oldest_needed: Id of the oldest entry that the group has not processed.
        lag: Number of entries not handed out yet, None when Redis cannot tell.
        pending: Number of entries handed out and not acknowledged.
        length: Number of entries in the stream.
        first_ms: When the oldest of them was added, in milliseconds since the Unix epoch.
        last_ms: When the newest was.
    """

    delivered_until: datetime | None
    waiting: bool
    oldest_needed: str
    lag: int | None
    pending: int
    length: int
    first_ms: int
    last_ms: int

    def begin_of_newest(self, number: int) -> int:
        """Return since when the `number` newest entries were added, if all came evenly."""
        if self.length <= number:
            return self.first_ms
        return self.last_ms - (self.last_ms - self.first_ms) * number // self.length


async def fetch_position(redis: Redis, stream: str, group: str) -> Position | None:
    """Return the position of `group`, None when the stream or the group does not exist.

    Raises:
        RedisError: Redis is away.
    """
    try:
        groups = await redis.xinfo_groups(stream)
        info = await redis.xinfo_stream(stream)
    except ResponseError as error:
        if "no such key" in str(error):
            return None
        raise
    found: dict[str, Any] | None = next((g for g in groups if _text(g["name"]) == group), None)
    if found is None:
        return None
    delivered = _text(found["last-delivered-id"])
    oldest = delivered
    if found["pending"]:
        summary = await redis.xpending(stream, group)
        oldest = min((delivered, _text(summary["min"] or delivered)), key=_order)
    lag = found.get("lag")
    newest = _text(info["last-generated-id"])
    waiting = (
        bool(info["length"]) and _order(newest) > _order(delivered) if lag is None else lag > 0
    )
    milliseconds = _order(delivered)[0]
    return Position(
        delivered_until=from_millis(milliseconds) if milliseconds else None,
        waiting=waiting,
        oldest_needed=oldest,
        lag=lag,
        pending=found["pending"],
        length=info["length"],
        first_ms=_order(_text(info["first-entry"][0]))[0] if info["length"] else 0,
        last_ms=_order(newest)[0],
    )


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)
