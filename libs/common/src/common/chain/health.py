"""Which endpoint to ask next: the first configured one that is neither resting nor slow."""

import random
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from common.chain.endpoint import Endpoint
from common.chain.errors import ChainError

FIRST_REST_SECONDS = 0.2
LONGEST_REST_SECONDS = 8.0
REFUSAL_REST_SECONDS = 300.0
"""Rest after a refusal that only a person can lift: credentials, quota, wrong chain."""
TRIAL_SECONDS = 10.0
"""After its rest an endpoint is tried by one call; others go elsewhere until that has ended."""
SLOW_FACTOR = 4.0
SLOW_SECONDS = 0.25
"""An endpoint is slow when it takes so many times as long as another one, and so much longer."""
LATENCY_WEIGHT = 0.2
LATENCY_MEMORY_SECONDS = 60.0
"""After that a slow endpoint is tried again."""


def jittered(seconds: float) -> float:
    """Between half of a time and all of it, so that callers do not go on in step."""
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - spreads callers, guards no secret


@dataclass(slots=True)
class _Health:
    rests_until: float = 0.0  # all times in monotonic seconds
    tried_until: float = 0.0
    failures: int = 0
    reason: ChainError | None = None
    latency_seconds: float | None = None
    latency_at: float = 0.0


class Endpoints:
    """The endpoints of one chain in order of preference, with their health."""

    def __init__(self, chain_id: int, endpoints: Sequence[Endpoint]) -> None:
        self.chain_id = chain_id
        self._endpoints = tuple(endpoints)
        self._health = {endpoint: _Health() for endpoint in endpoints}

    def preferred(self, excluded: Collection[Endpoint] = ()) -> Endpoint | None:
        """The one to ask next; None if all are excluded.

        That is the first one in order that neither rests nor is much slower than another, else
        the one that rests least.
        """
        usable = [endpoint for endpoint in self._endpoints if endpoint not in excluded]
        if not usable:
            return None
        now = time.monotonic()
        free = [endpoint for endpoint in usable if self._free_at(endpoint) <= now]
        if not free:
            return min(usable, key=self._free_at)
        latencies = {endpoint: self._latency_seconds(endpoint, now) for endpoint in free}
        fastest = min((each for each in latencies.values() if each is not None), default=0.0)
        slow = max(SLOW_FACTOR * fastest, fastest + SLOW_SECONDS)
        return next(each for each in free if (latencies[each] or 0.0) <= slow)

    @property
    def all(self) -> tuple[Endpoint, ...]:
        """All of them in order."""
        return self._endpoints

    def others(self, endpoint: Endpoint, count: int) -> list[Endpoint]:
        """At most so many others that do not rest, in order."""
        now = time.monotonic()
        free = [each for each in self._endpoints if self._free_at(each) <= now]
        return [each for each in free if each is not endpoint][:count]

    def rest_seconds(self, endpoint: Endpoint) -> float:
        """How long this endpoint still rests; 0 when it may be asked."""
        return max(0.0, self._health[endpoint].rests_until - time.monotonic())

    def rest_reason(self, endpoint: Endpoint) -> ChainError | None:
        """The failure that made this endpoint rest."""
        return self._health[endpoint].reason

    def mark_tried(self, endpoint: Endpoint) -> None:
        """Takes note that a call is under way; after failures it is the only one for a while."""
        health = self._health[endpoint]
        if health.failures:
            health.tried_until = time.monotonic() + TRIAL_SECONDS

    def mark_failed(
        self, endpoint: Endpoint, reason: ChainError, at_least_seconds: float = 0.0
    ) -> None:
        """Lets an endpoint rest, longer after each failure in a row.

        Calls that fail while it already rests were sent before, and change nothing.
        """
        health = self._health[endpoint]
        now = time.monotonic()
        health.tried_until = 0.0
        if health.rests_until > now + at_least_seconds:
            return
        ceiling = min(LONGEST_REST_SECONDS, FIRST_REST_SECONDS * 2**health.failures)
        pause = max(at_least_seconds, jittered(ceiling))
        health.rests_until, health.reason = now + pause, reason
        health.failures += 1

    def mark_healthy(self, endpoint: Endpoint) -> None:
        """Forgets the failures of an endpoint that has answered."""
        health = self._health[endpoint]
        health.tried_until = 0.0
        if health.failures and health.rests_until <= time.monotonic():
            health.failures, health.rests_until, health.reason = 0, 0.0, None

    def mark_latency(self, endpoint: Endpoint, seconds: float) -> None:
        """Takes note of how long a small answer took."""
        health = self._health[endpoint]
        now = time.monotonic()
        known = self._latency_seconds(endpoint, now)
        health.latency_seconds = (
            seconds if known is None else known + LATENCY_WEIGHT * (seconds - known)
        )
        health.latency_at = now

    def _free_at(self, endpoint: Endpoint) -> float:
        health = self._health[endpoint]
        return max(health.rests_until, health.tried_until)

    def _latency_seconds(self, endpoint: Endpoint, now: float) -> float | None:
        health = self._health[endpoint]
        is_known = now - health.latency_at < LATENCY_MEMORY_SECONDS
        return health.latency_seconds if is_known else None
