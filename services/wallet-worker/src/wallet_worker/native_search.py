"""The ladder of sources of native transactions: the best one that the endpoints offer."""

from collections.abc import Awaitable, Callable

from common.chain.client import PinnedChain
from common.chain.errors import (
    CallReverted,
    EndpointUnavailable,
    InvalidAnswer,
    InvalidRequest,
    MissingState,
    PrunedHistory,
    RangeTooLarge,
    ResultTooLarge,
    Unauthorized,
    UnsupportedMethod,
)
from wallet_worker.bisection import search_changed_blocks
from wallet_worker.models import Account, NativeSearch
from wallet_worker.native_sources import (
    OTS_PAGE_SIZE,
    read_blocks,
    search_ots,
    search_traces,
)

MOST_PAGES = 1_000 // OTS_PAGE_SIZE
RECENT_BLOCKS = 50

_NOT_OFFERED = (
    CallReverted,
    EndpointUnavailable,
    InvalidAnswer,
    InvalidRequest,
    MissingState,
    PrunedHistory,
    RangeTooLarge,
    ResultTooLarge,
    Unauthorized,
    UnsupportedMethod,
)


async def search_native(
    pinned: PinnedChain, account: Account, first: int, calls: int
) -> NativeSearch:
    """Find the transactions that the account sent or received since block `first`.

    Args:
        pinned: The chain.
        account: The account as it is at the pinned block.
        first: Where an earlier search ended.
        calls: Most state reads or range requests to spend.

    Raises:
        ChainError: The chain could not be read.
    """
    if first > pinned.block.number:
        return NativeSearch("token_transfer_logs", {}, first)
    rungs: tuple[Callable[[PinnedChain, Account, int, int], Awaitable[NativeSearch]], ...]
    rungs = (_by_ots, _by_traces, _by_states)
    for rung in rungs:
        try:
            found = await rung(pinned, account, first, calls)
        except _NOT_OFFERED:
            continue  # the result names the source that was used instead
        if found.complete_from <= pinned.block.number:
            return found
    return await _by_recent_blocks(pinned, account, first)


async def _by_ots(pinned: PinnedChain, account: Account, first: int, calls: int) -> NativeSearch:
    pages = min(MOST_PAGES, calls)
    places, complete_from = await search_ots(pinned, account.address, first, pages)
    return NativeSearch("ots_search", places, complete_from)


async def _by_traces(pinned: PinnedChain, account: Account, first: int, calls: int) -> NativeSearch:
    places = await search_traces(pinned, account.address, first, calls)
    return NativeSearch("trace_filter", places, first)


async def _by_states(pinned: PinnedChain, account: Account, first: int, calls: int) -> NativeSearch:
    state = (account.balance_wei, account.nonce)
    changed = await search_changed_blocks(pinned, account.address, first, state, calls)
    places = await read_blocks(pinned, account.address, changed.numbers)
    return NativeSearch("state_bisection", places, changed.complete_from, misses_valueless=True)


async def _by_recent_blocks(pinned: PinnedChain, account: Account, first: int) -> NativeSearch:
    newest = pinned.block.number
    start = max(first, newest - RECENT_BLOCKS + 1)
    places = await read_blocks(pinned, account.address, list(range(start, newest + 1)))
    return NativeSearch("recent_blocks", places, start)
