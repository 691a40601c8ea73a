"""The handler of `wallet_snapshot`: read, analyse, report."""

import asyncio

from common.actions.handler import Report, RunContext
from common.actions.thresholds import resolve_thresholds
from common.actions.wallet_snapshot import (
    WalletSnapshot,
    WalletSnapshotPayload,
    WalletThresholds,
)
from common.chain.types import Address
from wallet_worker.analysis.previous import PreviousSnapshot, read_previous
from wallet_worker.analysis.snapshot import compose_snapshot
from wallet_worker.ens import fetch_address_of
from wallet_worker.reader import fetch_block_hash, fetch_wallet
from wallet_worker.sources import SourcesByChain


async def take_snapshot(
    payload: WalletSnapshotPayload, context: RunContext
) -> Report[WalletSnapshot]:
    """Take a snapshot without a block explorer, see `snapshot_with`."""
    return await snapshot_with(SourcesByChain(), payload, context)


async def snapshot_with(
    sources: SourcesByChain, payload: WalletSnapshotPayload, context: RunContext
) -> Report[WalletSnapshot]:
    """Return what a wallet holds, and what it did, at the pinned block.

    Raises:
        PayloadError: A threshold is unknown or out of its bounds, or an ENS name has no address.
        ChainError: The chain could not be read.
    """
    options = payload.options
    thresholds = resolve_thresholds(
        WalletThresholds, context.configured_thresholds, options.thresholds
    )
    is_name = "." in payload.wallet
    wallet = (
        await fetch_address_of(context.pinned, payload.wallet)
        if is_name
        else Address(payload.wallet)
    )
    await context.report_progress("reading the wallet")
    previous = await _find_previous(context, wallet)
    reading = await fetch_wallet(
        context.pinned, wallet, options, sources.of(context.pinned.chain_id)
    )
    await context.report_progress("analysing")
    report = await asyncio.to_thread(compose_snapshot, reading, options, thresholds, previous)
    report.result.wallet.ens_name = payload.wallet if is_name else None
    return report


async def _find_previous(context: RunContext, wallet: Address) -> PreviousSnapshot | None:
    """The previous result of this job if it is of the same wallet, and its block still stands."""
    pinned = context.pinned
    stored = await context.find_previous_result()
    previous = read_previous(stored, pinned.chain_id, wallet, pinned.block.number)
    if previous is None:
        return None
    current_hash = await fetch_block_hash(pinned, previous.block_number)
    return previous if current_hash == previous.block_hash else None
