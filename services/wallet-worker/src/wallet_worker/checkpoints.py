"""Blocks up to which a wallet's facts are kept. No I/O."""

from dataclasses import dataclass

MOST_CHECKPOINTS = 32


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A block that was final when a run had read everything up to it."""

    number: int
    hash: str


def thinned(checkpoints: list[Checkpoint]) -> list[Checkpoint]:
    """Return at most 32 of them, the oldest half thinned out first, the newest always kept.

    Repeated, this spaces the old ones ever wider: a reorg of any depth costs a re-read of about
    as much again.
    """
    if len(checkpoints) <= MOST_CHECKPOINTS:
        return checkpoints
    half = len(checkpoints) // 2
    return [*checkpoints[:half:2], *checkpoints[half:]]
