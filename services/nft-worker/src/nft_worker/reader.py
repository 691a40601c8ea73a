"""Reads a collection's window, and who holds its tokens."""

import asyncio
from collections import Counter
from collections.abc import Collection as Accounts
from collections.abc import Iterable, Sequence

from common.actions.analyze_nft_movements import NftMovementOptions
from common.chain import abi
from common.chain.client import PinnedChain
from common.chain.punks import COLLECTION, owner_of_punk
from common.chain.tokens import fetch_erc20_holders, fetch_erc721_owners, fetch_token_metadata
from common.chain.types import ZERO_ADDRESS, Address, TokenMetadata
from common.models import from_millis
from common.results.envelope import Window
from nft_worker.account_reader import fetch_contracts
from nft_worker.analysis.holders import held_by_somebody, largest_holders
from nft_worker.analysis.markets.fills import NATIVE
from nft_worker.analysis.movement_table import Movements, movements
from nft_worker.analysis.movements import NOBODY
from nft_worker.analysis.token_paths import suspected_custodians
from nft_worker.history import History
from nft_worker.kept import KeptTransaction
from nft_worker.models import Collection, Holdings
from nft_worker.movement_index import Moment, MovementIndex
from nft_worker.movement_reader import fetch_window_movements


async def fetch_history(
    pinned: PinnedChain,
    collection: Collection,
    options: NftMovementOptions,
    index: MovementIndex,
    *,
    path_seconds: float,
) -> History:
    """Read what happened to a collection in the window, with the payments behind its transfers.

    Args:
        pinned: The chain.
        collection: The collection.
        options: What the job asked for.
        index: What earlier runs kept.
        path_seconds: How long before the window a path that ends in it may have begun.

    Raises:
        ChainError: The chain could not be read.
    """
    found = await fetch_window_movements(pinned, collection, options, index)
    extent, in_window = found.extent, found.transactions
    seconds = await pinned.fetch_timestamps({extent.first_block, extent.last_block})
    earlier: Sequence[KeptTransaction] = ()
    if options.to_block is None and collection.has_unique_tokens and extent.first_block > 0:
        earlier = await index.find_earlier(
            {move.token_id for kept in in_window for move in kept.transfers},
            Moment(extent.first_block, seconds[extent.first_block]),
            seconds[extent.first_block] - path_seconds,
        )
    read = (*earlier, *in_window)
    moves = await asyncio.to_thread(
        movements,
        collection.address,
        (move for kept in read for move in kept.transfers),
        {kept.block_number: kept.seconds for kept in read},
    )
    return History(
        collection=collection,
        block=pinned.block,
        window=Window(
            from_block=extent.first_block,
            to_block=extent.last_block,
            from_timestamp=from_millis(seconds[extent.first_block] * 1000),
            to_timestamp=from_millis(seconds[extent.last_block] * 1000),
            truncated=extent.truncated,
        ),
        moves=moves,
        transactions={kept.hash: kept.payment for kept in read if kept.payment is not None},
        contracts=await fetch_contracts(pinned, suspected_custodians(moves)),
        reaches_origin=extent.reaches_origin,
        undecodable_logs=sum(kept.undecodable for kept in in_window),
        window_seconds=(seconds[extent.first_block], seconds[extent.last_block]),
        gaps=extent.gaps,
    )


async def fetch_holdings(
    pinned: PinnedChain, history: History, options: NftMovementOptions, sellers: Accounts[Address]
) -> Holdings:
    """Read who holds the tokens of the window at the pinned block.

    Args:
        pinned: The chain.
        history: The window.
        options: What the job asked for.
        sellers: Wallets whose whole balance of an ERC-721 collection is wanted.

    Raises:
        ChainError: The chain could not be read.
    """
    balances, unknown = await (
        _fetch_owners(pinned, history)
        if history.collection.has_unique_tokens
        else _fetch_edition_balances(pinned, history)
    )
    whole_balances_tell = (
        history.collection.has_unique_tokens
        and options.token_ids is None
        and history.window.to_block == pinned.block.number
    )
    contracts, answers = await asyncio.gather(
        fetch_contracts(pinned, largest_holders(held_by_somebody(balances))),
        fetch_erc20_holders(  # ERC-721 shares `balanceOf(address)` with ERC-20
            pinned, history.collection.address, sellers if whole_balances_tell else ()
        ),
    )
    return Holdings(
        balances=balances,
        unknown=unknown,
        contracts=contracts,
        seller_balances={
            seller: balance for seller, balance in answers.items() if balance is not None
        },
    )


async def fetch_currencies(
    pinned: PinnedChain, currencies: Iterable[str | None]
) -> dict[Address, TokenMetadata]:
    """Read the metadata of the tokens among the currencies that sales were paid in.

    Raises:
        ChainError: The chain could not be read.
    """
    paid = {Address(currency) for currency in currencies if currency and currency != NATIVE}
    return await fetch_token_metadata(pinned, sorted(paid))


def _in_window(history: History) -> Movements:
    return history.moves.take(history.moves.block >= history.window.from_block)


async def _fetch_owners(pinned: PinnedChain, history: History) -> tuple[dict[Address, int], int]:
    """Read the owners of all tokens of the window: tokens by owner, and how many are not told.

    A token whose last known transfer burned it has no owner to tell.
    """
    address = history.collection.address
    moves = _in_window(history)
    latest = dict(
        zip(moves.tokens.named(moves.token), moves.accounts.named(moves.recipient), strict=True)
    )
    owners = await (
        _fetch_punk_owners(pinned, latest)
        if history.collection.standard == "cryptopunks"
        else fetch_erc721_owners(pinned, [(address, token_id) for token_id in latest])
    )
    held = Counter(owner for owner in owners.values() if owner not in (None, ZERO_ADDRESS))
    unknown = sum(
        owner is None and latest[token_id] not in NOBODY for (_, token_id), owner in owners.items()
    )
    return {owner: count for owner, count in held.items() if owner is not None}, unknown


async def _fetch_punk_owners(
    pinned: PinnedChain, punks: Iterable[int]
) -> dict[tuple[Address, int], Address | None]:
    asked = list(punks)
    answers = await pinned.call_many([owner_of_punk(punk) for punk in asked])
    return {
        (COLLECTION, punk): abi.decode_address(answer)
        for punk, answer in zip(asked, answers, strict=True)
    }


async def _fetch_edition_balances(
    pinned: PinnedChain, history: History
) -> tuple[dict[Address, int], int]:
    """Read the units of every id with everybody who got some, and how many are not told."""
    address = history.collection.address
    moves = _in_window(history)
    ids = moves.tokens.named(moves.token)
    pairs = sorted(
        {*zip(moves.accounts.named(moves.recipient), ids, strict=True)}
        | {*zip(moves.accounts.named(moves.sender), ids, strict=True)}
    )
    asked = [(holder, token_id) for holder, token_id in pairs if holder != ZERO_ADDRESS]
    answers = await pinned.call_many(
        [abi.balance_of_id(address, holder, token_id) for holder, token_id in asked]
    )
    held: Counter[Address] = Counter()
    unknown = 0
    for (holder, _), answer in zip(asked, answers, strict=True):
        balance = abi.decode_uint(answer)
        if balance is None:
            unknown += 1
        elif balance:
            held[holder] += balance
    return dict(held), unknown
