"""One filter over a range of blocks: adaptive steps, several at once, in bounded windows."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any

from common.chain.concurrency import run_all
from common.chain.endpoint import Endpoint
from common.chain.errors import (
    ChainError,
    FilterTooLarge,
    InvalidRequest,
    LimitExceeded,
    RangeTooLarge,
    ResultTooLarge,
)
from common.chain.log_audit import LogAudit, LogMemory, Part
from common.chain.log_parsing import decode_logs, filter_fields, in_order
from common.chain.log_probe import LogProbe
from common.chain.log_ranges import Steps, first_part_end, learnt_cap, split_filter
from common.chain.requests import Request
from common.chain.rpc import RpcClient
from common.chain.types import Log, LogFilter

PARALLEL_RANGES = 4
WINDOW_PARTS = 64
WINDOW_LOGS = 25_000
"""A window ends with the answer that reaches one of these: this bounds what is held at a time."""
AUDITED_AT_ONCE = 16
"""Ends of answers in one request, each there twice: each costs the node as much as a request."""

_REFUSED_SIZE = (RangeTooLarge, ResultTooLarge, LimitExceeded)
_REFUSED = (*_REFUSED_SIZE, FilterTooLarge)

Accept = Callable[[Any, Part], list[Log]]
"""Checks an answer for a part, whose logs are not known yet, and gives the logs."""


class LogScan:
    """Reads one filter; what one range taught, the next one uses, also in later runs."""

    def __init__(
        self,
        rpc: RpcClient,
        wanted: LogFilter,
        accept: Accept,
        probe: LogProbe,
        memory: LogMemory,
    ) -> None:
        self._rpc = rpc
        self._wanted = wanted
        self._accept = accept
        self._probe = probe
        self._audit = LogAudit(self._fetch_again, memory)
        self._steps: Steps = memory.steps_of(wanted)
        self._next = self._last = 0

    async def windows(self, first: int, last: int) -> AsyncIterator[Part]:
        """Consecutive parts that make up `first..last`, each with all its logs in order.

        Raises:
            ChainError: The chain could not be read.
        """
        self._next, self._last = first, last
        # The first request goes alone: a refusal that it meets is one the others are spared.
        parts = await self._fetch_window(begins_alone=True)
        while parts:
            # While a window is checked, and used, the next one is being read.
            following = asyncio.create_task(self._fetch_window())
            try:
                logs = await self._audit.confirm(parts)
                if any(part.last >= after.first for part, after in pairwise(parts)):
                    logs = in_order(logs)  # parts of one range, by addresses or topics
                end = max(part.last for part in parts)
                yield Part(parts[0].first, end, self._wanted, logs)
                parts = await following
            finally:
                if not following.cancel() and not following.cancelled():
                    following.exception()  # of no interest after another failure

    async def _fetch_window(self, *, begins_alone: bool = False) -> list[Part]:
        """The next answers in their order; none when all is read."""
        parts: list[Part] = []
        if begins_alone:
            await self._take_step(parts)
        await run_all(self._take_steps(parts) for _ in range(PARALLEL_RANGES))
        return sorted(parts, key=attrgetter("first"))

    async def _take_steps(self, parts: list[Part]) -> None:
        while self._next <= self._last and not _is_full(parts):
            await self._take_step(parts)

    async def _take_step(self, parts: list[Part]) -> None:
        first = self._next
        endpoint = self._rpc.endpoints.preferred()
        cap = endpoint.max_log_blocks if endpoint else None
        step = self._steps.blocks if cap is None else min(self._steps.blocks, cap)
        self._next = min(first + step, self._last + 1)
        parts += await self._fetch_whole(Part(first, self._next - 1, self._wanted, []))

    async def _fetch_whole(self, part: Part) -> list[Part]:
        """A part with its logs, in as many pieces as it takes."""
        pending, pieces = [part], []
        while pending:
            piece = pending.pop()
            try:
                logs = await self._fetch_part(piece)
            except _REFUSED as refusal:
                self._rpc.stats.range_splits += 1
                pending.extend(_cut(piece, refusal))
            else:
                self._rpc.stats.logs_fetched += len(logs)
                pieces.append(Part(piece.first, piece.last, piece.wanted, logs))
        return pieces

    async def _fetch_part(self, part: Part) -> list[Log]:
        blocks = part.last - part.first + 1
        request = self._request(part)

        async def send(endpoint: Endpoint) -> list[Log]:
            await self._probe.check(endpoint)
            cap = endpoint.max_log_blocks
            if cap is not None and blocks > cap:
                raise RangeTooLarge(f"{blocks} blocks, {cap} at most", max_blocks=cap)
            started = time.monotonic()
            try:
                logs = await self._rpc.send(endpoint, request)
            except RangeTooLarge as refusal:
                endpoint.max_log_blocks = learnt_cap(blocks, refusal)
                raise
            self._steps.served(blocks, len(logs), time.monotonic() - started)
            return logs

        is_divisible = blocks > 1 or split_filter(part.wanted) is not None
        try:
            return await self._rpc.run(send, is_divisible=is_divisible)
        except _REFUSED_SIZE as refusal:
            self._steps.was_refused(blocks, is_unexplained=isinstance(refusal, LimitExceeded))
            raise

    async def _fetch_again(self, parts: Sequence[Part]) -> list[list[Log]]:
        chunks = [parts[i : i + AUDITED_AT_ONCE] for i in range(0, len(parts), AUDITED_AT_ONCE)]
        answered: list[list[list[Log]]] = []
        for i in range(0, len(chunks), PARALLEL_RANGES):
            at_once = chunks[i : i + PARALLEL_RANGES]
            answered += await run_all(self._fetch_chunk_again(chunk) for chunk in at_once)
        return [logs for chunk in answered for logs in chunk]

    async def _fetch_chunk_again(self, parts: Sequence[Part]) -> list[list[Log]]:
        requests = [self._request(part) for part in parts]
        answers: list[list[Log] | ChainError]
        try:
            answers = await self._rpc.call_batch(
                requests, is_divisible=True, prepare=self._probe.check
            )
        except _REFUSED as refusal:
            answers = [refusal] * len(parts)
        return [
            await self._fetch_refused(part, answer) if isinstance(answer, ChainError) else answer
            for part, answer in zip(parts, answers, strict=True)
        ]

    async def _fetch_refused(self, part: Part, refusal: ChainError) -> list[Log]:
        if not isinstance(refusal, (*_REFUSED, InvalidRequest)):
            raise refusal
        pieces = await self._fetch_whole(part)
        return in_order([log for piece in pieces for log in piece.logs])

    def _request(self, part: Part) -> Request[list[Log]]:
        return Request(
            "eth_getLogs",
            (filter_fields(part.wanted, part.first, part.last),),
            lambda answer: self._accept(answer, part),
            {"chain.from_block": part.first, "chain.to_block": part.last},
            decode_logs,
        )


def _is_full(parts: Sequence[Part]) -> bool:
    return len(parts) >= WINDOW_PARTS or sum(len(part.logs) for part in parts) >= WINDOW_LOGS


def _cut(part: Part, refusal: ChainError) -> list[Part]:
    """Two parts of a refused one, the one to ask for first at the end.

    Raises:
        ChainError: The refusal itself, where nothing is left to cut.
    """
    first, last, wanted = part.first, part.last, part.wanted
    if first < last and not isinstance(refusal, FilterTooLarge):
        end = first_part_end(first, last, refusal)
        return [Part(end + 1, last, wanted, []), Part(first, end, wanted, [])]
    halves = split_filter(wanted)
    if halves is None:
        raise refusal
    return [Part(first, last, half, []) for half in halves]
