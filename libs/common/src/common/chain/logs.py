"""Logs of one run, none above the pinned block, every answer checked."""

from collections.abc import AsyncIterator
from typing import Any

from common.chain.block_times import BlockTimes
from common.chain.errors import InvalidAnswer, MissingState, PrunedHistory
from common.chain.kept import Kept
from common.chain.learnt import recall_steps, remember_steps
from common.chain.log_audit import LogMemory, Part
from common.chain.log_parsing import check_hash, check_logs, parse_log_timestamps, parse_logs
from common.chain.log_probe import LogProbe
from common.chain.log_ranges import spans_back
from common.chain.log_scan import LogScan
from common.chain.parsing import parse_data
from common.chain.requests import Request
from common.chain.rpc import RpcClient
from common.chain.types import Block, Log, LogFilter, NewestLogs


class LogReader:
    """Reads logs of one run: those that are kept from there, the others from the chain.

    Block times that a node gives with its logs are added to `times`.
    """

    def __init__(
        self,
        rpc: RpcClient,
        pinned: Block,
        times: BlockTimes,
        memory: LogMemory,
        kept: Kept,
    ) -> None:
        self._rpc = rpc
        self._pinned = pinned
        self._times = times
        self._memory = memory
        self._kept = kept
        self._probe = LogProbe(rpc, pinned)

    def stream_logs(
        self, wanted: LogFilter, first: int, last: int, kept: Kept
    ) -> AsyncIterator[list[Log]]:
        """Reads all logs in `first..last` in pages of bounded size, as `fetch_logs` orders them.

        Raises:
            ValueError: The range is empty or ends above the pinned block.
            ChainError: The chain could not be read.
        """
        if not 0 <= first <= last <= self._pinned.number:
            raise ValueError(
                f"expected blocks within 0..{self._pinned.number}, got {first}..{last}"
            )
        return self._stream(self._create_scan(wanted), wanted, first, last, kept)

    async def fetch_logs(self, wanted: LogFilter, first: int, last: int, kept: Kept) -> list[Log]:
        """Reads all logs in `first..last`, ascending by (block, log index), each once.

        Raises:
            ValueError: The range is empty or ends above the pinned block.
            ChainError: The chain could not be read.
        """
        return await _all_of(self.stream_logs(wanted, first, last, kept))

    async def fetch_newest_logs(self, wanted: LogFilter, limit: int, kept: Kept) -> NewestLogs:
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
            older = await _all_of(self._stream(scan, wanted, first, last, kept))
            found = older + found
            if len(found) > limit:
                from_block = found[-limit].block_number
                newest = tuple(log for log in found if log.block_number >= from_block)
                if len(newest) < len(found):
                    return NewestLogs(newest, from_block, truncated=True)
            elif not older and first > 0 and await self._is_unborn(wanted, first - 1):
                break
        return NewestLogs(tuple(found), from_block=0, truncated=False)

    async def _stream(
        self, scan: LogScan, wanted: LogFilter, first: int, last: int, kept: Kept
    ) -> AsyncIterator[list[Log]]:
        """What is kept, and the gaps in it from the chain; what the chain told is kept then."""
        begin = first
        for piece in await kept.find_pieces(wanted, first, last):
            async for page in self._read(scan, wanted, begin, piece.first - 1, kept):
                yield page
            begin = piece.first
            logs = await kept.load_piece(wanted, piece)
            if logs is not None:  # else it is part of the next gap
                yield logs
                begin = piece.last + 1
        async for page in self._read(scan, wanted, begin, last, kept):
            yield page

    async def _read(
        self, scan: LogScan, wanted: LogFilter, first: int, last: int, kept: Kept
    ) -> AsyncIterator[list[Log]]:
        if first > last:
            return
        steps = self._memory.steps_of(wanted)
        await recall_steps(steps, wanted, self._kept)
        try:
            async for part in scan.windows(first, last):
                await kept.keep_logs(wanted, part.first, part.last, part.logs)
                yield part.logs
            await remember_steps(steps, wanted, self._kept)
        except InvalidAnswer:
            # Answers are checked by samples: a bad one makes those before it doubtful too.
            await kept.forget_logs(wanted, first, last)
            raise

    def _create_scan(self, wanted: LogFilter) -> LogScan:
        return LogScan(self._rpc, wanted, self._accept, self._probe, self._memory)

    def _accept(self, answer: Any, part: Part) -> list[Log]:
        logs = parse_logs(answer)
        check_logs(logs, part.wanted, part.first, part.last)
        if logs and logs[-1].block_number == self._pinned.number:
            check_hash(logs[-1], self._pinned)
        self._times.add(parse_log_timestamps(answer))
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


async def _all_of(pages: AsyncIterator[list[Log]]) -> list[Log]:
    logs: list[Log] = []
    async for page in pages:
        logs += page
    return logs
