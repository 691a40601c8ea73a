"""Times of blocks that runs of one process share, as many as memory allows. No I/O."""

from collections.abc import Collection, Mapping
from itertools import islice

MOST_KNOWN = 200_000
"""About 20 MB."""


class BlockTimes:
    """Unix seconds of blocks by number; the oldest entries make room for new ones.

    Attributes:
        branch: Branch of the chain on which they were read; a reorg makes all of them doubtful.
    """

    def __init__(self) -> None:
        self.branch = 0
        self._seconds: dict[int, int] = {}
        self._unkept: set[int] = set()

    def add(self, times: Mapping[int, int], *, are_kept: bool = False) -> None:
        """Adds times that the chain told, or that are kept in a store already."""
        new = {number: time for number, time in times.items() if number not in self._seconds}
        self._seconds.update(new)
        if not are_kept:
            self._unkept.update(new)
        if len(self._seconds) > MOST_KNOWN:
            oldest = list(islice(self._seconds, len(self._seconds) - MOST_KNOWN // 2))
            for number in oldest:
                del self._seconds[number]
            self._unkept.difference_update(oldest)

    def find(self, numbers: Collection[int]) -> dict[int, int]:
        """Those that are known."""
        return {number: self._seconds[number] for number in numbers if number in self._seconds}

    def take_unkept(self, numbers: Collection[int]) -> dict[int, int]:
        """Those among `numbers` that are known and in no store; from now on they count as kept."""
        unkept = self._unkept.intersection(numbers)
        self._unkept -= unkept
        return self.find(unkept)

    def follow(self, branch: int) -> None:
        """Forgets all that was read on another branch."""
        if branch != self.branch:
            self.branch = branch
            self._seconds.clear()
            self._unkept.clear()
