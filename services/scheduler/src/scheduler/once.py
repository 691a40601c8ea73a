"""Adds an entry to a stream unless the same was added a short while ago."""

from dataclasses import dataclass

from pydantic import BaseModel
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from common.streams import DATA_FIELD

_ADD_ONCE = """
if redis.call('SET', KEYS[1], '', 'NX', 'EX', ARGV[1]) then
  return redis.call('XADD', KEYS[2], '*', ARGV[2], ARGV[3])
end
return false
"""


@dataclass(frozen=True)
class Addition:
    """An event, where it goes, and the key by which a repetition is recognised."""

    key: str
    stream: str
    event: BaseModel


class OnceAdder:
    """Replicas that repeat one another's steps add an event once, while its key is remembered."""

    def __init__(self, redis: Redis, remembered_seconds: int) -> None:
        """Args as named."""
        self._redis = redis
        self._seconds = remembered_seconds
        self._script = redis.register_script(_ADD_ONCE)

    async def add(self, additions: list[Addition]) -> list[bool]:
        """Add events, in one round trip; tell for each whether it was new.

        Raises:
            RedisError: Some of them may be added; adding all again adds the others only.
        """
        pipe: Pipeline
        async with self._redis.pipeline(transaction=False) as pipe:
            for each in additions:
                await self._script(
                    keys=[each.key, each.stream],
                    args=[self._seconds, DATA_FIELD, each.event.model_dump_json()],
                    client=pipe,
                )
            return [entry_id is not None for entry_id in await pipe.execute()]
