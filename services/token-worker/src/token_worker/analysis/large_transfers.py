"""Transfers that are large by an amount or by their share of the supply."""

import math
from fractions import Fraction

from common.actions.analyze_coin_flows import CoinFlowThresholds
from common.chain.types import DEAD_ADDRESS, ZERO_ADDRESS
from common.chain.units import format_units, share_pct
from common.errors import PayloadError
from common.models import from_millis
from common.results.coin_flows import FlowType, LargeTransfer
from token_worker.analysis.exact import fraction_of, least_amount
from token_worker.analysis.table import TransferTable


def large_amount(
    thresholds: CoinFlowThresholds, total_supply: int | None, decimals: int | None
) -> int | None:
    """Return the least raw amount that counts as large; None when the supply is unknown or 0.

    Raises:
        PayloadError: `largeTransferAmount` is in tokens, and the token does not tell its decimals.
    """
    if thresholds.large_transfer_amount is None:
        if not total_supply:
            return None
        return least_amount(total_supply, thresholds.large_transfer_supply_pct)
    if decimals is None:
        raise PayloadError(
            f"threshold largeTransferAmount is {thresholds.large_transfer_amount} tokens, but the "
            "token does not tell how many decimals it has: use largeTransferSupplyPct"
        )
    least = fraction_of(thresholds.large_transfer_amount) * Fraction(10) ** decimals
    return max(1, math.ceil(least))


def describe_transfer(
    table: TransferTable, row: int, total_supply: int | None, decimals: int | None
) -> LargeTransfer:
    """Return one row of the table for a reader."""
    transfer = table[row]
    return LargeTransfer(
        transaction_hash=transfer.transaction_hash,
        log_index=transfer.log_index,
        block_number=transfer.block_number,
        timestamp=from_millis(int(table.timestamps[row]) * 1000),
        sender=transfer.sender,
        recipient=transfer.recipient,
        amount_raw=str(transfer.amount),
        amount=format_units(transfer.amount, decimals),
        supply_pct=share_pct(transfer.amount, total_supply or 0),
        flow_type=flow_type(table, row),
    )


def flow_type(table: TransferTable, row: int) -> FlowType:
    """Return what kind of movement a row is."""
    transfer = table[row]
    if transfer.sender == ZERO_ADDRESS:
        return "mint"
    if transfer.recipient == ZERO_ADDRESS:
        return "burn"
    if transfer.sender == transfer.recipient:
        return "self"
    return "to_dead" if transfer.recipient == DEAD_ADDRESS else "transfer"
