"""Whether the logs of an endpoint reach the pinned block: nodes index logs later than blocks."""

import asyncio
from collections.abc import Sequence

from common.chain.endpoint import Endpoint
from common.chain.errors import ChainError, InvalidAnswer, RateLimited, RequestTimedOut
from common.chain.log_parsing import filter_fields, parse_logs
from common.chain.requests import Request, block_request
from common.chain.rpc import RpcClient
from common.chain.transaction_parsing import parse_receipt
from common.chain.types import Block, Log, LogFilter

BLOCKS_BACK = 16
"""Blocks without any event are passed over, so many at most."""


class LogProbe:
    """Compares what receipts and eth_getLogs say of one event of the newest blocks.

    A node that is behind with its logs answers with fewer, and with no error. An event that its
    receipts hold and its logs lack gives it away, whatever filter a run asks for.
    """

    def __init__(self, rpc: RpcClient, pinned: Block) -> None:
        self._rpc = rpc
        self._pinned = pinned
        self._locks: dict[Endpoint, asyncio.Lock] = {}
        self._hashes: dict[Endpoint, tuple[str, ...]] = {}
        self._events: dict[Endpoint, Log | None] = {}

    async def check(self, endpoint: Endpoint) -> None:
        """Makes sure of an endpoint once; later runs at older blocks need no other proof.

        Where no event can be found there is no proof, and none is demanded.

        Raises:
            InvalidAnswer: The endpoint's logs end below the pinned block.
            ChainError: The endpoint limits our rate or did not answer.
        """
        async with self._locks.setdefault(endpoint, asyncio.Lock()):
            if endpoint.logs_reach >= self._pinned.number:
                return
            try:
                event = await self._fetch_event(endpoint)
            except (RateLimited, RequestTimedOut):
                raise
            except ChainError:
                event = None  # receipts are not served here
            if event is not None:
                await self._compare(endpoint, event)
            endpoint.logs_reach = self._pinned.number

    async def _fetch_event(self, endpoint: Endpoint) -> Log | None:
        """An event of the newest block that has some; steps that succeeded are not repeated."""
        if endpoint not in self._hashes:
            self._hashes[endpoint] = self._pinned.event_transactions or await self._fetch_older(
                endpoint
            )
        if endpoint not in self._events:
            self._events[endpoint] = await self._fetch_logged(endpoint, self._hashes[endpoint])
        return self._events[endpoint]

    async def _fetch_older(self, endpoint: Endpoint) -> tuple[str, ...]:
        """Transactions of the newest block with events below the pinned one."""
        newest = self._pinned.number - 1
        numbers = range(newest, max(-1, newest - BLOCKS_BACK), -1)
        for block in await self._rpc.send_batch(endpoint, [block_request(n) for n in numbers]):
            if isinstance(block, ChainError):
                raise block
            if block.event_transactions:
                return block.event_transactions
        return ()

    async def _fetch_logged(self, endpoint: Endpoint, hashes: Sequence[str]) -> Log | None:
        receipts = await self._rpc.send_batch(
            endpoint,
            [Request("eth_getTransactionReceipt", (each,), parse_receipt(each)) for each in hashes],
        )
        for receipt in receipts:
            if isinstance(receipt, (RateLimited, RequestTimedOut)):
                raise receipt
            if not isinstance(receipt, ChainError) and receipt.logs:
                return receipt.logs[-1]
        return None

    async def _compare(self, endpoint: Endpoint, event: Log) -> None:
        wanted = LogFilter((event.address,), tuple((topic,) for topic in event.topics[:1]))
        params = filter_fields(wanted, event.block_number, event.block_number)
        logs = await self._rpc.send(endpoint, Request("eth_getLogs", (params,), parse_logs))
        if event not in logs:
            raise InvalidAnswer(
                f"eth_getLogs: logs of block {event.block_number} are missing: the node is behind"
                f" with them [{endpoint.label}]"
            )
