"""Reads the movements of a job's window: from what earlier runs kept, and new blocks only."""

import asyncio
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from common.actions.analyze_nft_movements import NftMovementOptions
from common.chain.client import PinnedChain
from common.chain.punks import COLLECTION
from common.chain.transfers import NftTransfer, decode_transfers
from common.chain.types import Log, LogFilter, Transaction
from nft_worker.analysis.lenders import find_lender
from nft_worker.analysis.markets import punks
from nft_worker.analysis.markets.decoding import decode_fills
from nft_worker.analysis.markets.fills import Fill
from nft_worker.analysis.movements import is_trade_candidate
from nft_worker.kept import KeptTransaction
from nft_worker.models import Collection, PaidTransaction
from nft_worker.movement_index import Coverage, MovementIndex
from nft_worker.window_reader import (
    Extent,
    extent_of_newest,
    extent_of_range,
    fetch_first_block,
    fetch_transfer_logs,
    fetch_window_logs,
)


@dataclass(frozen=True, slots=True)
class WindowMovements:
    """The transactions of a window, in the order of the chain."""

    extent: Extent
    transactions: Sequence[KeptTransaction]


async def fetch_window_movements(
    pinned: PinnedChain,
    collection: Collection,
    options: NftMovementOptions,
    index: MovementIndex,
) -> WindowMovements:
    """Read the window, from the index as far as it reaches; what was read new is kept in it.

    A window that ends below the pinned block is read from the chain alone.

    Raises:
        BlockNotFinal: The window ends above the pinned block.
        ChainError: The chain could not be read.
    """
    if options.to_block is None:
        kept = await _fetch_continued(pinned, collection, options, index)
        if kept is not None:
            return kept
    found = await fetch_window_logs(pinned, collection, options)
    transactions = await _fetch_transactions(pinned, found.logs, options.token_ids)
    extent = found.extent
    if options.to_block is None:
        covered = Coverage(extent.first_block, pinned.block.number, pinned.block.hash)
        await index.keep(transactions, extent.first_block, covered)
    return WindowMovements(extent, transactions)


async def _fetch_continued(
    pinned: PinnedChain,
    collection: Collection,
    options: NftMovementOptions,
    index: MovementIndex,
) -> WindowMovements | None:
    """Read on from the index; None where it does not reach back far enough, or no longer holds."""
    covered = await index.find_coverage()
    last = pinned.block.number
    if covered is None or covered.last_block > last:
        return None
    if not await pinned.is_on_chain(covered.last_block, covered.last_hash):
        await index.discard()
        return None
    first = await fetch_first_block(pinned, options, last)
    if first is not None and first < covered.first_block:
        return None
    await _read_on(pinned, collection, options, index, covered)
    newest = await index.find_newest(
        covered.first_block if first is None else first, options.transfer_limit
    )
    places = [(kept.block_number, kept.hash, kept.logs) for kept in reversed(newest)]
    reaches_origin = covered.first_block == 0 and options.token_ids is None
    if first is not None:
        extent = extent_of_range(
            places,
            options.transfer_limit,
            first,
            last,
            is_whole=first == 0 and reaches_origin,
        )
    else:
        kept = sum(logs for _, _, logs in places)
        if covered.first_block > 0 and kept < options.transfer_limit:
            return None
        extent = extent_of_newest(
            places,
            options.transfer_limit,
            Extent(covered.first_block, last, covered.first_block > 0, reaches_origin),
        )
    return WindowMovements(
        extent, [kept for kept in newest if kept.block_number >= extent.first_block]
    )


async def _read_on(
    pinned: PinnedChain,
    collection: Collection,
    options: NftMovementOptions,
    index: MovementIndex,
    covered: Coverage,
) -> None:
    """Keep what happened since."""
    since, last = covered.last_block + 1, pinned.block.number
    if since > last:
        return
    logs = await fetch_transfer_logs(pinned, collection, options.token_ids, since, last)
    transactions = await _fetch_transactions(pinned, logs, options.token_ids)
    await index.keep(transactions, since, Coverage(covered.first_block, last, pinned.block.hash))


async def _fetch_transactions(
    pinned: PinnedChain, logs: Sequence[Log], token_ids: Sequence[str] | None
) -> list[KeptTransaction]:
    """Return the transactions of transfer logs, with what was paid where there may be a sale."""
    by_hash: defaultdict[str, list[Log]] = defaultdict(list)
    for log in logs:
        by_hash[log.transaction_hash].append(log)
    wanted = None if token_ids is None else set(map(int, token_ids))
    moved = await asyncio.to_thread(_decoded, by_hash, wanted)
    candidates = [
        hash_ for hash_, (transfers, _) in moved.items() if any(map(is_trade_candidate, transfers))
    ]
    transactions, receipts, timestamps = await asyncio.gather(
        pinned.fetch_transactions(candidates, keep=False),
        pinned.fetch_transaction_logs(candidates),
        pinned.fetch_timestamps({own[0].block_number for own in by_hash.values()}),
    )
    bids = await _fetch_accepted_bids(pinned, receipts)
    payments = await asyncio.to_thread(_payments, transactions, receipts, bids)
    found = [
        KeptTransaction(
            hash=hash_,
            block_number=own[0].block_number,
            transaction_index=own[0].transaction_index,
            seconds=timestamps[own[0].block_number],
            logs=len(own),
            undecodable=moved[hash_][1],
            transfers=moved[hash_][0],
            payment=payments.get(hash_),
        )
        for hash_, own in by_hash.items()
    ]
    return sorted(found, key=lambda kept: (kept.block_number, kept.transaction_index))


async def _fetch_accepted_bids(
    pinned: PinnedChain, receipts: Mapping[str, Sequence[Log]]
) -> Mapping[str, list[Fill]]:
    """Return the sales of punks by accepted bids, whose price only the earlier bid tells."""
    accepted = [
        move for logs in receipts.values() for move in punks.decode_punks(logs).accepted_bids
    ]
    if not accepted:
        return {}
    indexes = tuple(sorted({f"0x{move.token_id:064x}" for move in accepted}))
    wanted = LogFilter((COLLECTION,), (punks.PUNK_BID_ENTERED, indexes))
    newest = max(move.block_number for move in accepted)
    return punks.fills_of_bids(accepted, await pinned.fetch_logs(wanted, 0, newest, keep=False))


def _payments(
    transactions: Mapping[str, Transaction],
    receipts: Mapping[str, Sequence[Log]],
    bids: Mapping[str, list[Fill]],
) -> dict[str, PaidTransaction]:
    found = {}
    for hash_, logs in receipts.items():
        decoded, of_punks = decode_transfers(logs), punks.decode_punks(logs)
        fills = (*decode_fills(logs), *of_punks.fills, *bids.get(hash_, ()))
        found[hash_] = PaidTransaction(
            sender=transactions[hash_].sender,
            value_wei=transactions[hash_].value_wei,
            erc20=tuple(leg for leg in decoded.erc20 if leg.contract != COLLECTION),
            nfts=(*decoded.nft, *of_punks.transfers),
            fills=tuple(sorted(fills, key=lambda fill: fill.log_index)),
            lender=find_lender(logs),
        )
    return found


def _decoded(
    by_hash: Mapping[str, Sequence[Log]], wanted: Container[int] | None
) -> dict[str, tuple[tuple[NftTransfer, ...], int]]:
    """Return by transaction what moved of the wanted tokens, and how many logs are malformed."""
    found = {}
    for hash_, logs in by_hash.items():
        decoded = decode_transfers(logs)
        of_punks = punks.decode_punks(logs)
        transfers = tuple(
            move
            for move in (*decoded.nft, *of_punks.transfers)
            if wanted is None or move.token_id in wanted
        )
        found[hash_] = (transfers, decoded.undecodable + of_punks.undecodable)
    return found
