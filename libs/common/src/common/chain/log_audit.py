"""Whether answers of eth_getLogs were cut short: some endpoints drop the end without a word."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from common.chain import log_ranges
from common.chain.errors import InvalidAnswer
from common.chain.log_parsing import log_position
from common.chain.log_ranges import Steps
from common.chain.types import Log, LogFilter

ALWAYS_AUDITED = 64
"""Answers of a scan that are all audited: every one of a recurring run."""
AUDITED_SHARE = 8
"""Of further answers, every so many."""
SUSPICION = 0.001
"""Audited too is an answer whose end is emptier than chance explains but for one in a thousand."""
DOUBT_SECONDS = 3_600.0
SETTLING_ROUNDS = 5
MAX_REMEMBERED_FILTERS = 1_000


@dataclass(frozen=True, slots=True)
class Part:
    """One answer: all logs of a filter in a range of blocks, as far as the endpoint says."""

    first: int
    last: int
    wanted: LogFilter
    logs: list[Log]

    def tail(self) -> "Part":
        """The end of the answer from its last log's block on; all of an empty one."""
        if not self.logs:
            return self
        first = self.logs[-1].block_number
        return Part(
            first, self.last, self.wanted, [log for log in self.logs if log.block_number == first]
        )

    def is_suspicious(self) -> bool:
        """Whether logs spread by chance would hardly leave the end of the range so empty."""
        if not self.logs:
            return False
        blocks = self.last - self.first + 1
        filled = (self.logs[-1].block_number - self.first + 1) / blocks
        return filled ** len(self.logs) < SUSPICION


@dataclass(slots=True)
class LogMemory:
    """What a chain's runs have learnt about reading logs.

    Attributes:
        steps: Blocks to ask for at once, by filter.
        doubted_until: Monotonic seconds; until then every answer is read several times, because
            some were cut short.
    """

    steps: dict[LogFilter, Steps] = field(default_factory=dict)
    doubted_until: float = 0.0

    def steps_of(self, wanted: LogFilter) -> Steps:
        """The steps of a filter."""
        if len(self.steps) >= MAX_REMEMBERED_FILTERS:
            self.steps.clear()
        return self.steps.setdefault(wanted, Steps(log_ranges.FIRST_STEP))

    def is_doubtful(self) -> bool:
        """Whether endpoints were caught lately."""
        return time.monotonic() < self.doubted_until


FetchAgain = Callable[[Sequence[Part]], Awaitable[list[list[Log]]]]
"""Reads the logs of some parts once more, in few requests."""


class LogAudit:
    """Checks the answers of one scan by asking for their ends again."""

    def __init__(self, fetch_again: FetchAgain, memory: LogMemory) -> None:
        self._fetch_again = fetch_again
        self._memory = memory
        self._seen = 0
        self._passed_over = 0

    async def confirm(self, parts: Sequence[Part]) -> list[Log]:
        """The logs of one part after the other, as sure as a second look can make them.

        Raises:
            InvalidAnswer: Answers are cut short again and again, or some that were not audited
                have been given out before the first that was caught.
            ChainError: The chain could not be read.
        """
        if self._memory.is_doubtful():
            return await self._settle_all(parts)
        chosen = [part.tail() for part in parts if self._is_chosen(part)]
        twice = _side_by_side(chosen)
        for tail, again in zip(twice, await self._fetch_again(twice), strict=True):
            if again != tail.logs:
                self._memory.doubted_until = time.monotonic() + DOUBT_SECONDS
                if self._passed_over:
                    raise InvalidAnswer(
                        f"eth_getLogs: logs of blocks {tail.first}..{tail.last} were missing;"
                        " answers before were not all checked, so all must be read again"
                    )
                return await self._settle_all(parts)
        self._passed_over += len(parts) - len(chosen)
        return list(chain.from_iterable(part.logs for part in parts))

    def _is_chosen(self, part: Part) -> bool:
        self._seen += 1
        is_sample = self._seen <= ALWAYS_AUDITED or self._seen % AUDITED_SHARE == 0
        return is_sample or part.is_suspicious()

    async def _settle_all(self, parts: Sequence[Part]) -> list[Log]:
        # One after the other: answers that go wrong in turn must not do so for the same part.
        return [log for part in parts for log in await self._settle(part)]

    async def _settle(self, part: Part) -> list[Log]:
        """Reads a part until one answer holds all that any answer ever held."""
        union = dict(zip(map(log_position, part.logs), part.logs, strict=True))
        for _ in range(SETTLING_ROUNDS):
            one, other = await self._fetch_again(_side_by_side([part]))
            longest = Part(part.first, part.last, part.wanted, max(one, other, key=len))
            tail, again = await self._fetch_again(_side_by_side([longest.tail()]))
            for log in (*one, *other, *tail, *again):
                union[log_position(log)] = log
            if len(longest.logs) == len(union):
                return longest.logs
        raise InvalidAnswer(
            f"eth_getLogs: answers for blocks {part.first}..{part.last} differ each time:"
            " some are cut short"
        )


def _side_by_side(parts: Sequence[Part]) -> list[Part]:
    """Each part twice in a row.

    Scans of several filters run beside each other. An endpoint that cuts every so many answers
    could cut the one of a part, and the second look at it, in step with the others' requests; of
    two that follow each other in a batch that is answered in one go, it cuts one at most.
    """
    return [part for part in parts for _ in range(2)]
