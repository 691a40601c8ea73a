"""Limits of endpoints held across all processes, in Redis; each process by itself while it is away.

An endpoint has three keys, named by the digest of its URL: a sorted set of slots, each with the
moment at which it ends unless renewed, the theoretical arrival time of the generic cell rate
algorithm, and a mark with a time limit while the endpoint wants to be left alone. A holder that is
killed renews nothing, so its slots are free again after `LEASE_SECONDS`.
"""

import asyncio
import logging
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from common.chain.limits import (
    BURST_SECONDS,
    LONGEST_WAIT_SECONDS,
    UNLIMITED,
    Gate,
    LocalGate,
    Parked,
    QueueTooLong,
    RpcLimit,
)
from common.outages import Outage

logger = logging.getLogger(__name__)

PREFIX = "chain:endpoint"
LEASE_SECONDS = 6.0
RENEWAL_SECONDS = 2.0
REDIS_SECONDS = 0.5
"""A Redis that takes longer counts as away: reading the chain must not wait for it."""
AWAY_SECONDS = 1.0
"""After that Redis is tried again."""
LOOK_SECONDS = 0.5
"""How often it is looked whether an endpoint without limits is parked."""
POLL_SECONDS = 0.02

_GRANTED, _FULL, _PARKED, _TOO_LONG = 1, 0, -1, -2

# KEYS: slots, arrival time, parked. ARGV: slot, lease in microseconds, slots, microseconds a call,
# calls, burst and longest wait in microseconds. Returns an outcome and a wait in milliseconds.
_ENTER = """
local parked = redis.call('PTTL', KEYS[3])
if parked > 0 then return {-1, parked} end
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local lease, slots, each = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if slots > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  if redis.call('ZCARD', KEYS[1]) >= slots then return {0, 0} end
end
local wait = 0
if each > 0 then
  local arrival = math.max(tonumber(redis.call('GET', KEYS[2]) or '0'), now)
  wait = math.max(0, arrival - now - tonumber(ARGV[6]))
  if wait > tonumber(ARGV[7]) then return {-2, math.ceil(wait / 1000)} end
  local following = arrival + each * tonumber(ARGV[5])
  local keep = math.ceil((following - now) / 1000) + 1000
  redis.call('SET', KEYS[2], string.format('%.0f', following), 'PX', keep)
end
if slots > 0 then
  redis.call('ZADD', KEYS[1], now + wait + lease, ARGV[1])
  redis.call('PEXPIRE', KEYS[1], math.ceil((wait + lease) / 1000) + 60000)
end
return {1, math.ceil(wait / 1000)}
"""

# KEYS: slots of endpoints. ARGV: lease in microseconds, then one slot for each key.
_RENEW = """
local clock = redis.call('TIME')
local ends = clock[1] * 1000000 + clock[2] + ARGV[1]
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, 'XX', 'GT', ends, ARGV[i + 1])
  redis.call('PEXPIRE', key, 60000)
end
"""

# KEYS: parked. ARGV: milliseconds. A shorter time does not replace a longer one.
_PARK = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
end
"""

T = TypeVar("T")


class SharedGates:
    """Gates that all processes with the same Redis share."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._enter = redis.register_script(_ENTER)
        self._renew = redis.register_script(_RENEW)
        self._park = redis.register_script(_PARK)
        self._held: dict[str, str] = {}  # key by slot
        self._away_until = 0.0
        self._outage = Outage(logger, "share the limits of endpoints")

    def create(self, digest: str, limit: RpcLimit, label: str) -> Gate:
        """The gate of an endpoint, known by the digest of its URL."""
        return SharedGate(self, f"{PREFIX}:{{{digest}}}", limit, label)

    async def keep(self) -> None:
        """Renews all held slots until cancelled."""
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            await self._renew_held(dict(self._held))

    async def _renew_held(self, held: Mapping[str, str]) -> None:
        if held:
            args: list[str | int] = [round(LEASE_SECONDS * 1e6), *held]
            await self.ask(lambda: self._renew(keys=list(held.values()), args=args), None)

    async def enter(self, key: str, slot: str, limit: RpcLimit, calls: int) -> tuple[int, float]:
        """Asks for a slot and a place in the queue: an outcome and seconds to wait.

        Granted at once while Redis is away.
        """
        rate = limit.requests_per_second
        args: list[str | int] = [
            slot,
            round(LEASE_SECONDS * 1e6),
            limit.concurrency or 0,
            round(1e6 / rate) if rate else 0,
            calls,
            round(BURST_SECONDS * 1e6),
            round(LONGEST_WAIT_SECONDS * 1e6),
        ]
        keys = [f"{key}:slots", f"{key}:arrival", f"{key}:parked"]
        answer = await self.ask(lambda: self._enter(keys=keys, args=args), None)
        if answer is None:
            return _GRANTED, 0.0
        outcome, milliseconds = answer
        if outcome == _GRANTED and limit.concurrency:
            self._held[slot] = keys[0]
        return int(outcome), milliseconds / 1000

    async def leave(self, slot: str) -> None:
        """Gives a slot back."""
        key = self._held.pop(slot, None)
        if key is not None:
            await self.ask(lambda: self._redis.zrem(key, slot), None)

    async def park(self, key: str, seconds: float) -> None:
        """Keeps all processes away from an endpoint."""
        milliseconds = max(1, round(seconds * 1000))
        await self.ask(lambda: self._park(keys=[f"{key}:parked"], args=[milliseconds]), None)

    @property
    def is_away(self) -> bool:
        """Whether Redis did not answer lately."""
        return time.monotonic() < self._away_until

    async def ask(self, ask: Callable[[], Awaitable[T]], otherwise: T) -> T:
        """What Redis answers, or `otherwise` while it is away."""
        if self.is_away:
            return otherwise
        try:
            async with asyncio.timeout(REDIS_SECONDS):
                answer = await ask()
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            self._outage.note(error)
            return otherwise
        self._outage.end()
        return answer


class SharedGate:
    """What every request of every process to one endpoint passes."""

    def __init__(self, gates: SharedGates, key: str, limit: RpcLimit, label: str) -> None:
        self._gates = gates
        self._key = key
        self._limit = limit
        self._label = label
        self._local = LocalGate(limit)
        self._looked_at = 0.0

    @asynccontextmanager
    async def enter(self, calls: int) -> AsyncIterator[None]:
        """See `Gate`."""
        slot = uuid.uuid4().hex
        try:
            if await self._enter_shared(slot, calls):
                yield
            else:
                async with self._local.enter(calls):
                    yield
        finally:
            await self._gates.leave(slot)

    async def park(self, seconds: float) -> None:
        """See `Gate`."""
        self._looked_at = 0.0
        await self._gates.park(self._key, seconds)

    async def _enter_shared(self, slot: str, calls: int) -> bool:
        """Waits for a slot and the call's turn; False while Redis is away."""
        if self._limit == UNLIMITED:
            if time.monotonic() < self._looked_at + LOOK_SECONDS:
                return True
            self._looked_at = time.monotonic()
        give_up_at = time.monotonic() + LONGEST_WAIT_SECONDS
        while not self._gates.is_away:
            outcome, wait = await self._gates.enter(self._key, slot, self._limit, calls)
            if self._gates.is_away:
                break
            if outcome == _GRANTED:
                if wait:
                    await asyncio.sleep(wait)
                return True
            if outcome == _PARKED:
                self._looked_at = 0.0
                raise Parked(
                    f"{self._label} is left alone for {wait:.1f} s", retry_after_seconds=wait
                )
            if outcome == _TOO_LONG or time.monotonic() > give_up_at:
                raise QueueTooLong(
                    f"the limit configured for {self._label} leaves no room for this call",
                    retry_after_seconds=wait or LONGEST_WAIT_SECONDS,
                )
            spread = random.uniform(0.5, 1.5)  # noqa: S311 - spreads callers, guards no secret
            await asyncio.sleep(POLL_SECONDS * spread)
        return False
