"""Single sources of the transactions that an account sent or received; all of them read only."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from common.chain.client import PinnedChain
from common.chain.errors import ChainError, InvalidAnswer, RangeTooLarge
from common.chain.parsing import parse_quantity
from common.chain.requests import Request
from common.chain.types import Address
from wallet_worker.models import Payment
from wallet_worker.native_traces import TracePlace, traced_payments

Place: TypeAlias = tuple[int, int]
"""Block number and index in the block."""

Places: TypeAlias = dict[str, Place]
"""Where each transaction is, by its hash."""

OTS_PAGE_SIZE = 25
BLOCKS_AT_ONCE = 10
SMALLEST_TRACE_RANGE = 100
"""What reth allows unless configured otherwise."""


async def search_ots(
    pinned: PinnedChain, wallet: Address, first: int, pages: int
) -> tuple[Places, int]:
    """Page back with `ots_searchTransactionsBefore` (Otterscan API: Erigon, anvil).

    Returns:
        Those since block `first`, also those that paid the wallet from inside; and the block from
        which on they are complete, which is above `first` when they fill more pages than allowed.

    Raises:
        ChainError: Such as UnsupportedMethod.
    """
    found: Places = {}
    before = pinned.block.number + 1
    for _ in range(pages):
        answer = await _ask(
            pinned, Request("ots_searchTransactionsBefore", (wallet, before, OTS_PAGE_SIZE), _page)
        )
        found.update({digest: place for digest, place in answer.items() if place[0] >= first})
        oldest = min((place[0] for place in answer.values()), default=0)
        if not answer or oldest < first or oldest >= before:
            return found, first
        before = oldest
    return found, before


async def search_traces(
    pinned: PinnedChain, wallet: Address, first: int, calls: int
) -> tuple[Places, list[Payment]]:
    """Search with `trace_filter` (Erigon, Nethermind, reth), in ranges that the node allows.

    Returns:
        All since block `first`, also those that paid the wallet from inside; and these payments.

    Raises:
        ChainError: Such as UnsupportedMethod, or RangeTooLarge when it would take more calls.
    """
    last = pinned.block.number
    try:
        return await _traces(pinned, wallet, [(first, last)])
    except RangeTooLarge as refusal:
        step = refusal.max_blocks or SMALLEST_TRACE_RANGE
        if 2 * (last - first) > calls * step:
            raise
    starts = range(first, last + 1, step)
    return await _traces(pinned, wallet, [(start, min(start + step - 1, last)) for start in starts])


async def read_blocks(pinned: PinnedChain, wallet: Address, numbers: list[int]) -> Places:
    """Read whole blocks, few at a time because they are large.

    Returns:
        Their transactions that name the wallet as sender or recipient.

    Raises:
        ChainError: The chain could not be read.
    """
    found: Places = {}
    for start in range(0, len(numbers), BLOCKS_AT_ONCE):
        requests = [
            Request("eth_getBlockByNumber", (hex(number), True), _own_transactions(wallet, number))
            for number in numbers[start : start + BLOCKS_AT_ONCE]
        ]
        for answer in await pinned.call_batch(requests):
            if isinstance(answer, ChainError):
                raise answer
            found.update(answer)
    return found


async def _ask(pinned: PinnedChain, request: Request[Places]) -> Places:
    [answer] = await pinned.call_batch([request])
    if isinstance(answer, ChainError):
        raise answer
    return answer


async def _traces(
    pinned: PinnedChain, wallet: Address, ranges: list[tuple[int, int]]
) -> tuple[Places, list[Payment]]:
    requests = [
        Request(
            "trace_filter",
            ({"fromBlock": hex(start), "toBlock": hex(end), side: [wallet]},),
            _traced(wallet),
        )
        for start, end in ranges
        for side in ("fromAddress", "toAddress")
    ]
    places: Places = {}
    payments: dict[TracePlace, Payment] = {}
    for answer in await pinned.call_batch(requests):
        if isinstance(answer, ChainError):
            raise answer
        places.update(answer[0])
        payments.update(answer[1])  # one from the wallet to itself is in both answers
    return places, list(payments.values())


def _page(answer: Any) -> Places:
    if not isinstance(answer, dict) or not isinstance(answer.get("txs"), list):
        raise InvalidAnswer("not a page of transactions")
    return dict(_place(entry) for entry in answer["txs"])


def _traced(wallet: Address) -> Callable[[Any], tuple[Places, dict[TracePlace, Payment]]]:
    def parse(answer: Any) -> tuple[Places, dict[TracePlace, Payment]]:
        payments = traced_payments(wallet, answer)
        places: Places = {}
        for trace in answer:
            digest = trace.get("transactionHash")
            if isinstance(digest, str):  # rewards of blocks have none
                places[digest.lower()] = (
                    int(trace["blockNumber"]),
                    int(trace["transactionPosition"]),
                )
        return places, payments

    return parse


def _own_transactions(wallet: Address, number: int) -> Any:
    def parse(answer: Any) -> Places:
        if not isinstance(answer, dict) or not isinstance(answer.get("transactions"), list):
            raise InvalidAnswer(f"block {number} without its transactions")
        if parse_quantity(answer.get("number")) != number:
            raise InvalidAnswer(f"asked for block {number}, got {answer.get('number')}")
        return dict(_place(entry) for entry in answer["transactions"] if _names(wallet, entry))

    return parse


def _names(wallet: Address, entry: Mapping[str, Any]) -> bool:
    return wallet in (str(entry.get("from")).lower(), str(entry.get("to")).lower())


def _place(entry: Mapping[str, Any]) -> tuple[str, Place]:
    digest = entry.get("hash")
    if not isinstance(digest, str):
        raise InvalidAnswer("a transaction without a hash")
    number, index = entry.get("blockNumber"), entry.get("transactionIndex")
    return digest.lower(), (parse_quantity(number), parse_quantity(index))
