"""How many blocks to ask for at once, and where to cut what was refused. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from common.chain.errors import ChainError, RangeTooLarge, ResultTooLarge
from common.chain.types import LogFilter

FIRST_STEP = 2_000
TARGET_LOGS = 5_000
"""Logs that one answer should hold: enough to amortise a round trip, little enough to parse."""
SLOW_ANSWER_SECONDS = 5.0
CLOSE_ENOUGH = 8
"""Steps stop to grow an eighth below what was refused: the rest is not worth more refusals."""
FORGETTING = 512
"""After so many answers a refused number of blocks counts as twice as large."""


@dataclass(slots=True)
class Steps:
    """How many blocks of one filter to ask for at once, learnt from answers and refusals.

    Attributes:
        blocks: The next number to try.
        refused: Least number that was refused without a reason; None before such a refusal. It
            grows slowly, since the reason may have been a passing one.
        remembered_blocks: What other processes know; None before that has been looked up.
    """

    blocks: int = FIRST_STEP
    refused: float | None = None
    remembered_blocks: int | None = None

    def served(self, blocks: int, logs: int, seconds: float) -> None:
        """Takes note that `blocks` of them held `logs` and took `seconds`.

        The next step has at most twice as many as were just served, and never so many that the
        same density would give more than the target; half of them after a slow answer. A range
        that was shorter than the step, being the last or a part of a cut one, does not shrink it.
        """
        if seconds > SLOW_ANSWER_SECONDS:
            self.blocks = max(1, min(self.blocks, blocks // 2))
            return
        grown = max(self.blocks, 2 * blocks)
        if self.refused is not None:
            grown = max(self.blocks, min(grown, self._below_refused(blocks)))
            self.refused += self.refused / FORGETTING
        self.blocks = grown if logs == 0 else max(1, min(grown, blocks * TARGET_LOGS // logs))

    def was_refused(self, blocks: int, *, is_unexplained: bool) -> None:
        """Takes note that `blocks` of them were too many, or too full."""
        self.blocks = max(1, min(self.blocks, blocks // 2))
        if is_unexplained:
            self.refused = min(self.refused or blocks, blocks)

    def _below_refused(self, served: int) -> int:
        refused = int(self.refused or 0)
        is_close = refused - served <= refused // CLOSE_ENOUGH
        return served if is_close else (served + refused) // 2


def first_part_end(first: int, last: int, refusal: ChainError) -> int:
    """Last block of the first part when `first..last`, at least two blocks, was refused.

    An endpoint's suggestion is followed only where it is strictly smaller: some suggest the very
    range that they have just refused. Else the range is halved.
    """
    if isinstance(refusal, RangeTooLarge) and refusal.max_blocks is not None:
        end = first + refusal.max_blocks - 1
        if first <= end < last:
            return end
    if isinstance(refusal, (RangeTooLarge, ResultTooLarge)) and refusal.suggested is not None:
        start, end = refusal.suggested
        if start == first <= end < last:
            return end
    return (first + last) // 2


def learnt_cap(blocks: int, refusal: RangeTooLarge) -> int:
    """Most blocks an endpoint accepts, after it refused `blocks` of them for their number."""
    if refusal.max_blocks is not None and 1 <= refusal.max_blocks < blocks:
        return refusal.max_blocks
    if refusal.suggested is not None:
        suggested = refusal.suggested[1] - refusal.suggested[0] + 1
        if 1 <= suggested < blocks:
            return suggested
    return max(1, blocks // 2)


def split_filter(wanted: LogFilter) -> tuple[LogFilter, LogFilter] | None:
    """Two filters that together match what `wanted` does and nothing twice; None if it is atomic.

    Addresses are halved first, then the first position with a choice of topics.
    """
    if len(wanted.addresses) > 1:
        half = len(wanted.addresses) // 2
        return (
            replace(wanted, addresses=wanted.addresses[:half]),
            replace(wanted, addresses=wanted.addresses[half:]),
        )
    for index, topic in enumerate(wanted.topics):
        if isinstance(topic, tuple) and len(topic) > 1:
            half = len(topic) // 2
            before, after = wanted.topics[:index], wanted.topics[index + 1 :]
            return (
                replace(wanted, topics=(*before, topic[:half], *after)),
                replace(wanted, topics=(*before, topic[half:], *after)),
            )
    return None


def spans_back(last: int) -> Iterator[tuple[int, int]]:
    """Ranges of blocks from `last` down to 0, each four times as long as the one before."""
    length = 128
    while last >= 0:
        first = max(0, last - length + 1)
        yield first, last
        last = first - 1
        length *= 4
