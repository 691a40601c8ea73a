"""eth_getLogs over any range: adaptive steps, several at once, every answer checked."""

import time
from collections.abc import Callable, MutableMapping
from typing import Any

from common.chain.concurrency import run_all
from common.chain.endpoint import Endpoint
from common.chain.errors import (
    ChainError,
    FilterTooLarge,
    LimitExceeded,
    MissingState,
    PrunedHistory,
    RangeTooLarge,
    ResultTooLarge,
)
from common.chain.log_parsing import (
    check_hash,
    check_logs,
    filter_fields,
    log_position,
    parse_log_timestamps,
    parse_logs,
)
from common.chain.log_ranges import (
    CAUTIOUS_GROWTH,
    FIRST_STEP,
    first_part_end,
    learnt_cap,
    next_step,
    spans_back,
    split_filter,
)
from common.chain.parsing import parse_data
from common.chain.requests import Request
from common.chain.rpc import RpcClient
from common.chain.types import Block, Log, LogFilter, NewestLogs

PARALLEL_RANGES = 4

_REFUSED_SIZE = (RangeTooLarge, ResultTooLarge, LimitExceeded)


class LogReader:
    """Reads logs of one run, none above the pinned block.

    Block times that a node gives with its logs are added to `timestamps`.
    """

    def __init__(self, rpc: RpcClient, pinned: Block, timestamps: MutableMapping[int, int]) -> None:
        self._rpc = rpc
        self._pinned = pinned
        self._timestamps = timestamps

    async def fetch_logs(self, wanted: LogFilter, first: int, last: int) -> list[Log]:
        """Reads all logs in `first..last`, ascending by (block, log index), each once.

        Raises:
            ValueError: The range is empty or ends above the pinned block.
            ChainError: The chain could not be read.
        """
        if not 0 <= first <= last <= self._pinned.number:
            raise ValueError(
                f"expected blocks within 0..{self._pinned.number}, got {first}..{last}"
            )
        return await self._create_scan(wanted).run(first, last)

    async def fetch_newest_logs(self, wanted: LogFilter, limit: int) -> NewestLogs:
        """Reads back from the pinned block until `limit` logs and proof of older ones are found.

        Raises:
            ValueError: `limit` is below 1.
            ChainError: The chain could not be read.
        """
        if limit < 1:
            raise ValueError(f"expected a limit of at least 1, got {limit}")
        scan = self._create_scan(wanted)
        found: list[Log] = []
        for first, last in spans_back(self._pinned.number):
            older = await scan.run(first, last)
            found = older + found
            if len(found) > limit:
                from_block = found[-limit].block_number
                newest = tuple(log for log in found if log.block_number >= from_block)
                if len(newest) < len(found):
                    return NewestLogs(newest, from_block, truncated=True)
            elif not older and first > 0 and await self._is_unborn(wanted, first - 1):
                break
        return NewestLogs(tuple(found), from_block=0, truncated=False)

    def _create_scan(self, wanted: LogFilter) -> "_Scan":
        return _Scan(self._rpc, wanted, self._accept)

    def _accept(self, answer: Any, wanted: LogFilter, first: int, last: int) -> list[Log]:
        logs = parse_logs(answer)
        check_logs(logs, wanted, first, last)
        if logs and logs[-1].block_number == self._pinned.number:
            check_hash(logs[-1], self._pinned)
        self._timestamps.update(parse_log_timestamps(answer))
        self._rpc.stats.logs_fetched += len(logs)
        return logs

    async def _is_unborn(self, wanted: LogFilter, number: int) -> bool:
        """Whether none of the contracts existed yet, so that no older log can be theirs.

        False where the node has no state that old: then the logs themselves must be read.
        """
        if not wanted.addresses:
            return False
        requests = [
            Request("eth_getCode", (address, hex(number)), parse_data)
            for address in wanted.addresses
        ]
        try:
            codes = await self._rpc.call_batch(requests)
        except (MissingState, PrunedHistory):
            return False
        return all(code == "0x" for code in codes)


class _Scan:
    """Adaptive steps over ranges of one filter; what one range taught, the next one uses."""

    def __init__(
        self,
        rpc: RpcClient,
        wanted: LogFilter,
        accept: Callable[[Any, LogFilter, int, int], list[Log]],
    ) -> None:
        self._rpc = rpc
        self._wanted = wanted
        self._accept = accept
        self._step = FIRST_STEP
        self._growth_divisor = 1
        self._next = self._last = 0
        self._found: list[Log] = []

    async def run(self, first: int, last: int) -> list[Log]:
        self._next, self._last, self._found = first, last, []
        # The first request goes alone: a refusal that it meets is one the others are spared.
        await self._take_step()
        await run_all(self._take_steps() for _ in range(PARALLEL_RANGES))
        return sorted(self._found, key=log_position)

    async def _take_steps(self) -> None:
        while self._next <= self._last:
            await self._take_step()

    async def _take_step(self) -> None:
        first = self._next
        endpoint = self._rpc.endpoints.preferred()
        cap = endpoint.max_log_blocks if endpoint else None
        step = self._step if cap is None else min(self._step, cap)
        self._next = min(first + step, self._last + 1)
        pending = [(first, self._next - 1, self._wanted)]
        while pending:
            part = pending.pop()
            try:
                logs = await self._fetch_part(*part)
            except (*_REFUSED_SIZE, FilterTooLarge) as refusal:
                self._rpc.stats.range_splits += 1
                pending.extend(_cut(*part, refusal))
            else:
                self._found.extend(logs)

    async def _fetch_part(self, first: int, last: int, wanted: LogFilter) -> list[Log]:
        blocks = last - first + 1
        request = Request(
            "eth_getLogs",
            (filter_fields(wanted, first, last),),
            lambda answer: self._accept(answer, wanted, first, last),
            {"chain.from_block": first, "chain.to_block": last},
        )

        async def send(endpoint: Endpoint) -> list[Log]:
            cap = endpoint.max_log_blocks
            if cap is not None and blocks > cap:
                raise RangeTooLarge(f"{blocks} blocks, {cap} at most", max_blocks=cap)
            started = time.monotonic()
            try:
                logs = await self._rpc.send(endpoint, request)
            except RangeTooLarge as refusal:
                endpoint.max_log_blocks = learnt_cap(blocks, refusal)
                raise
            seconds = time.monotonic() - started
            self._step = next_step(self._step, blocks, len(logs), seconds, self._growth_divisor)
            return logs

        is_divisible = blocks > 1 or split_filter(wanted) is not None
        try:
            return await self._rpc.run(send, is_divisible=is_divisible)
        except _REFUSED_SIZE as refusal:
            self._step = max(1, min(self._step, blocks // 2))
            if isinstance(refusal, LimitExceeded):
                self._growth_divisor = CAUTIOUS_GROWTH
            raise


def _cut(
    first: int, last: int, wanted: LogFilter, refusal: ChainError
) -> list[tuple[int, int, LogFilter]]:
    """Two parts of a refused request, the one to ask for first at the end.

    Raises:
        ChainError: The refusal itself, where nothing is left to cut.
    """
    if first < last and not isinstance(refusal, FilterTooLarge):
        end = first_part_end(first, last, refusal)
        return [(end + 1, last, wanted), (first, end, wanted)]
    halves = split_filter(wanted)
    if halves is None:
        raise refusal
    return [(first, last, half) for half in halves]
