"""How long to wait before the next attempt of a failed run."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Exponential: `initial * coefficient**(attempt - 1)` seconds, at most `maximum`."""

    initial_seconds: float
    coefficient: float
    maximum_seconds: float

    def delay_seconds(self, run_id: str, attempt: int) -> float:
        """Return the pause after the failed `attempt` (from 1), between half and all of it.

        The jitter is derived from the run and the attempt, not drawn: whoever computes it, and
        however often after a crash, gets the same moment.
        """
        try:
            full = self.initial_seconds * self.coefficient ** (attempt - 1)
        except OverflowError:
            full = self.maximum_seconds
        digest = hashlib.blake2b(f"{run_id}:{attempt}".encode(), digest_size=4).digest()
        fraction = int.from_bytes(digest, "big") / 2**32
        return min(full, self.maximum_seconds) * (0.5 + fraction / 2)


@dataclass(frozen=True)
class RetryPolicy:
    """How often a run is tried in all, and the pauses between."""

    max_attempts: int
    backoff: Backoff
