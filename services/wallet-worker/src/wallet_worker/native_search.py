"""The ladder of sources of native transactions: the best one that is offered."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from common.chain.client import PinnedChain
from common.chain.errors import (
    CallReverted,
    ChainError,
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
from wallet_worker.explorer import Explorer
from wallet_worker.explorer_search import search_explorer
from wallet_worker.models import Account, NativeSearch
from wallet_worker.native_sources import (
    OTS_PAGE_SIZE,
    read_blocks,
    search_ots,
    search_traces,
)

MOST_PAGES = 1_000 // OTS_PAGE_SIZE
RECENT_BLOCKS = 50
MOST_PLACES = 10_000
"""Native transactions that are kept between runs, the newest ones."""

NOT_OFFERED = (
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
"""How endpoints fail that do not serve a method which not every node has."""


async def search_since(
    pinned: PinnedChain,
    account: Account,
    earlier: NativeSearch | None,
    searched_to: int,
    calls: int,
    explorer: Explorer | None,
) -> NativeSearch:
    """Search what earlier runs have not, and add it to what they found.

    Args:
        pinned: The chain.
        account: The account as it is at the pinned block.
        earlier: What they found; None for the first search.
        searched_to: Last block of theirs, -1 for none.
        calls: Most state reads, pages or range requests to spend.
        explorer: A block explorer of the chain, if one is configured.

    Raises:
        ChainError: The chain could not be read.
    """
    found = await search_native(pinned, account, searched_to + 1, calls, explorer)
    if earlier is None:
        return found
    is_seamless = found.complete_from <= searched_to + 1
    complete_from = earlier.complete_from if is_seamless else found.complete_from
    places = {**earlier.places, **found.places}
    if len(places) > MOST_PLACES:
        newest = sorted(places, key=lambda digest: places[digest], reverse=True)[:MOST_PLACES]
        complete_from = max(complete_from, places[newest[-1]][0] + 1)
        places = {digest: places[digest] for digest in newest}
    return NativeSearch(
        earlier.source if searched_to == pinned.block.number else found.source,
        places,
        complete_from,
        earlier.misses_valueless or found.misses_valueless,
        (*earlier.payments, *found.payments)[-MOST_PLACES:],
        earlier.settled,
        found.refusal,
    )


async def search_native(
    pinned: PinnedChain, account: Account, first: int, calls: int, explorer: Explorer | None = None
) -> NativeSearch:
    """Find the transactions that the account sent or received since block `first`.

    Args:
        pinned: The chain.
        account: The account as it is at the pinned block.
        first: Where an earlier search ended.
        calls: Most state reads, pages or range requests to spend.
        explorer: A block explorer of the chain, if one is configured.

    Raises:
        ChainError: The chain could not be read.
    """
    if first > pinned.block.number:
        return NativeSearch("token_transfer_logs", {}, first)
    refusal = None
    if explorer is not None:
        try:
            return await search_explorer(explorer, pinned, account.address, first, calls)
        except ChainError as error:
            refusal = str(error)
    return replace(await _search_nodes(pinned, account, first, calls), refusal=refusal)


async def _search_nodes(
    pinned: PinnedChain, account: Account, first: int, calls: int
) -> NativeSearch:
    rungs: tuple[Callable[[PinnedChain, Account, int, int], Awaitable[NativeSearch]], ...]
    rungs = (_by_ots, _by_traces, _by_states)
    for rung in rungs:
        try:
            found = await rung(pinned, account, first, calls)
        except NOT_OFFERED:
            continue  # the result names the source that was used instead
        if found.complete_from <= pinned.block.number:
            return found
    return await _by_recent_blocks(pinned, account, first)


async def _by_ots(pinned: PinnedChain, account: Account, first: int, calls: int) -> NativeSearch:
    pages = min(MOST_PAGES, calls)
    places, complete_from = await search_ots(pinned, account.address, first, pages)
    return NativeSearch("ots_search", places, complete_from)


async def _by_traces(pinned: PinnedChain, account: Account, first: int, calls: int) -> NativeSearch:
    places, payments = await search_traces(pinned, account.address, first, calls)
    return NativeSearch("trace_filter", places, first, payments=tuple(payments))


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
