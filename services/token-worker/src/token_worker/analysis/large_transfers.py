"""Transfers that are large by an amount, by their share of the supply or by their worth."""

import math
from fractions import Fraction

from common.actions.analyze_coin_flows import CoinFlowThresholds
from common.chain.types import DEAD_ADDRESS, ZERO_ADDRESS
from common.chain.units import format_units, share_pct
from common.errors import PayloadError
from common.models import from_millis
from common.prices.price import Price, usd_value
from common.results.coin_flows import FlowType, LargeTransfer
from token_worker.analysis.exact import fraction_of, least_amount
from token_worker.analysis.table import TransferTable


def large_amount(
    thresholds: CoinFlowThresholds,
    total_supply: int | None,
    decimals: int | None,
    price: Price | None = None,
) -> int | None:
    """Return the least raw amount that counts as large; None without supply and price.

    Raises:
        PayloadError: `largeTransferAmount` is in tokens, and the token does not tell its decimals.
    """
    if thresholds.large_transfer_amount is None:
        triggers = (
            least_by_share(thresholds.large_transfer_supply_pct, total_supply),
            least_by_worth(thresholds.large_transfer_usd, decimals, price),
        )
        return min((least for least in triggers if least is not None), default=None)
    if decimals is None:
        raise PayloadError(
            f"threshold largeTransferAmount is {thresholds.large_transfer_amount} tokens, but the "
            "token does not tell how many decimals it has: use largeTransferSupplyPct"
        )
    least = fraction_of(thresholds.large_transfer_amount) * Fraction(10) ** decimals
    return max(1, math.ceil(least))


def least_by_share(supply_pct: float, total_supply: int | None) -> int | None:
    """Return the least raw amount of that share; None when the supply is unknown or 0."""
    return least_amount(total_supply, supply_pct) if total_supply else None


def least_by_worth(usd: float, decimals: int | None, price: Price | None) -> int | None:
    """Return the least raw amount worth so much; None without a price or decimals."""
    if price is None or decimals is None:
        return None
    least = fraction_of(usd) * Fraction(10) ** (decimals + price.decimals) / price.answer
    return max(1, math.ceil(least))


def describe_transfer(
    table: TransferTable,
    row: int,
    total_supply: int | None,
    decimals: int | None,
    price: Price | None = None,
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
        usd_value=worth(transfer.amount, decimals, price),
        flow_type=flow_type(table, row),
    )


def worth(amount_raw: int, decimals: int | None, price: Price | None) -> str | None:
    """Return the exact value in USD; None without a price or decimals."""
    if price is None or decimals is None:
        return None
    return usd_value(amount_raw, decimals, price)


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
