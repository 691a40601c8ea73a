"""Which endpoint to ask next: the first configured one that is not resting after failures."""

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


def jittered(seconds: float) -> float:
    """Between half of a time and all of it, so that callers do not go on in step."""
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - spreads callers, guards no secret


@dataclass(slots=True)
class _Rest:
    until: float = 0.0  # monotonic seconds
    failures: int = 0
    reason: ChainError | None = None


class Endpoints:
    """The endpoints of one chain in order of preference, with their health."""

    def __init__(self, chain_id: int, endpoints: Sequence[Endpoint]) -> None:
        self.chain_id = chain_id
        self._endpoints = tuple(endpoints)
        self._rests = {endpoint: _Rest() for endpoint in endpoints}

    def preferred(self, excluded: Collection[Endpoint] = ()) -> Endpoint | None:
        """The first one that does not rest, else the one that rests least; None if all excluded."""
        usable = [endpoint for endpoint in self._endpoints if endpoint not in excluded]
        if not usable:
            return None
        now = time.monotonic()
        return min(usable, key=lambda endpoint: max(self._rests[endpoint].until, now))

    def rest_seconds(self, endpoint: Endpoint) -> float:
        """How long this endpoint still rests; 0 when it may be asked."""
        return max(0.0, self._rests[endpoint].until - time.monotonic())

    def rest_reason(self, endpoint: Endpoint) -> ChainError | None:
        """The failure that made this endpoint rest."""
        return self._rests[endpoint].reason

    def mark_failed(
        self, endpoint: Endpoint, reason: ChainError, at_least_seconds: float = 0.0
    ) -> None:
        """Lets an endpoint rest, longer after each failure in a row.

        Calls that fail while it already rests were sent before, and change nothing.
        """
        rest = self._rests[endpoint]
        now = time.monotonic()
        if rest.until > now + at_least_seconds:
            return
        ceiling = min(LONGEST_REST_SECONDS, FIRST_REST_SECONDS * 2**rest.failures)
        pause = max(at_least_seconds, jittered(ceiling))
        rest.until, rest.failures, rest.reason = now + pause, rest.failures + 1, reason

    def mark_healthy(self, endpoint: Endpoint) -> None:
        """Forgets the failures of an endpoint that has answered."""
        rest = self._rests[endpoint]
        if rest.failures and rest.until <= time.monotonic():
            self._rests[endpoint] = _Rest()
