"""Adds an entry to a stream unless the same was added a short while ago."""

from dataclasses import dataclass

from pydantic import BaseModel
from redis.asyncio import Redis

from common.streams import DATA_FIELD

_ADD_ONCE = """
local is_new = {}
for i = 1, #KEYS / 2 do
  local key, stream = KEYS[2 * i - 1], KEYS[2 * i]
  if redis.call('SET', key, '', 'NX', 'EX', ARGV[1]) then
    redis.call('XADD', stream, '*', ARGV[2], ARGV[i + 2])
    is_new[i] = 1
  else
    is_new[i] = 0
  end
end
return is_new
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
        self._seconds = remembered_seconds
        self._script = redis.register_script(_ADD_ONCE)

    async def add(self, additions: list[Addition]) -> list[bool]:
        """Add events, in one round trip; tell for each whether it was new.

        Raises:
            RedisError: Some of them may be added; adding all again adds the others only.
        """
        if not additions:
            return []
        keys = [name for each in additions for name in (each.key, each.stream)]
        events = [each.event.model_dump_json() for each in additions]
        is_new = await self._script(keys=keys, args=[self._seconds, DATA_FIELD, *events])
        return [bool(each) for each in is_new]
