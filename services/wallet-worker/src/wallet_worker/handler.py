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
from wallet_worker.analysis.snapshot import compose_snapshot
from wallet_worker.reader import fetch_wallet


async def take_snapshot(
    payload: WalletSnapshotPayload, context: RunContext
) -> Report[WalletSnapshot]:
    """Return what a wallet holds, and what it did, at the pinned block.

    Raises:
        PayloadError: A threshold is unknown or out of its bounds.
        ChainError: The chain could not be read.
    """
    options = payload.options
    thresholds = resolve_thresholds(
        WalletThresholds, context.configured_thresholds, options.thresholds
    )
    await context.report_progress("reading the wallet")
    reading = await fetch_wallet(context.pinned, Address(payload.wallet), options)
    await context.report_progress("analysing")
    return await asyncio.to_thread(compose_snapshot, reading, options, thresholds)
