"""Which kept data still belong to the chain: checkpoints, and the reorgs below them. No I/O.

Everything kept carries the number of the branch on which it was read. When a checkpoint turns out
to be no longer part of the chain, the branch number grows, and all that was kept above the newest
checkpoint that still stands, on any earlier branch, is void from that moment on: whoever reads it
sees so by its number. So a repair is one write, and a run that was slower than the reorg can do no
harm, whenever it writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_CHECKPOINTS = 32
MOST_CUTS = 32


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A block that was final when data up to it were kept."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A repaired reorg.

    Attributes:
        branch: Branch that began with it.
        above: Data of earlier branches above this block are void.
    """

    branch: int
    above: int


@dataclass(frozen=True, slots=True)
class Trunk:
    """What is known of one chain's blocks.

    Attributes:
        revision: Counts the changes; 0 before the first.
        branch: Present branch.
        checkpoints: Ascending; those of the present branch.
        cuts: By ascending branch.
    """

    revision: int = 0
    branch: int = 0
    checkpoints: tuple[Checkpoint, ...] = ()
    cuts: tuple[Cut, ...] = ()

    @property
    def newest(self) -> Checkpoint | None:
        """The newest checkpoint."""
        return self.checkpoints[-1] if self.checkpoints else None

    def standing_to(self, branch: int) -> float:
        """Last block up to which data of a branch are true; -1 for a branch unknown here."""
        if branch > self.branch:
            return -1
        return min((cut.above for cut in self.cuts if cut.branch > branch), default=float("inf"))

    def with_checkpoint(self, checkpoint: Checkpoint) -> "Trunk":
        """With a newer checkpoint, once that is known to descend from the newest."""
        checkpoints = thinned([*self.checkpoints, checkpoint])
        return Trunk(self.revision + 1, self.branch, checkpoints, self.cuts)

    def cut_above(self, standing: Checkpoint | None) -> "Trunk":
        """After a reorg: only data up to `standing` are true, none if that is None."""
        number = standing.number if standing else -1
        cuts = [*self.cuts, Cut(self.branch + 1, number)]
        if len(cuts) > MOST_CUTS:
            forgotten, second, *others = cuts
            # What is older than all remembered cuts is void above the lowest of them.
            cuts = [Cut(second.branch, min(forgotten.above, second.above)), *others]
        kept = tuple(each for each in self.checkpoints if each.number <= number)
        return Trunk(self.revision + 1, self.branch + 1, kept, tuple(cuts))


def thinned(checkpoints: Sequence[Checkpoint]) -> tuple[Checkpoint, ...]:
    """At most 32 of them, the older half thinned out first, the newest always among them.

    Repeated, this spaces the old ones ever wider: a reorg of any depth costs a re-read of about
    as much again.
    """
    if len(checkpoints) <= MOST_CHECKPOINTS:
        return tuple(checkpoints)
    half = len(checkpoints) // 2
    return (*checkpoints[:half:2], *checkpoints[half:])
