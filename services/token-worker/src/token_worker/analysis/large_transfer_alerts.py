"""Alerts about large transfers, by whatever makes them weightiest."""

from collections.abc import Iterator
from typing import get_args

from common.actions.analyze_coin_flows import CoinFlowThresholds
from common.chain.units import format_units, share_pct
from common.results.alerts import Alert, AlertMetrics, Severity
from token_worker.analysis.alert_factory import AlertFactory, severity_of
from token_worker.analysis.findings import Findings
from token_worker.analysis.large_transfers import least_by_share, least_by_worth, worth
from token_worker.models import TokenFlowReading

_RANKS = {severity: rank for rank, severity in enumerate(get_args(Severity))}


def large_transfer_alerts(
    found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    """Yield an alert for each large transfer, the largest first."""
    reading = found.reading
    for row in found.large_rows:
        transfer = found.table[row]
        supply_pct = share_pct(transfer.amount, reading.total_supply or 0)
        usd = worth(transfer.amount, reading.token.decimals, reading.price)
        facts = [] if supply_pct is None else [f"{make.percent(supply_pct)} of supply"]
        facts += [] if usd is None else [f"worth ${float(usd):,.0f}"]
        severity, metrics = max(
            _triggers(reading, thresholds, transfer.amount), key=lambda each: _RANKS[each[0]]
        )
        yield make.create(
            "LARGE_TRANSFER",
            severity,
            f"{make.movement(row)}{': ' if facts else ''}{', '.join(facts)}",
            metrics,
            keys=(transfer.transaction_hash, transfer.log_index),
            rows=[row],
        )


def _triggers(
    reading: TokenFlowReading, thresholds: CoinFlowThresholds, amount: int
) -> Iterator[tuple[Severity, AlertMetrics]]:
    """All that makes a transfer large, by share of supply before by worth."""
    decimals, price = reading.token.decimals, reading.price
    if thresholds.large_transfer_amount is not None:
        value = float(format_units(amount, decimals) or 0)
        yield _by_distance(value, thresholds.large_transfer_amount, "tokens")
        return
    by_share = least_by_share(thresholds.large_transfer_supply_pct, reading.total_supply)
    if by_share is not None and amount >= by_share:
        value = share_pct(amount, reading.total_supply or 0) or 0.0
        yield _by_distance(value, thresholds.large_transfer_supply_pct, "supply_pct")
    by_worth = least_by_worth(thresholds.large_transfer_usd, decimals, price)
    if by_worth is not None and amount >= by_worth:
        high = least_by_worth(thresholds.large_transfer_high_usd, decimals, price)
        yield (
            "high" if high is not None and amount >= high else "medium",
            AlertMetrics(
                value=float(worth(amount, decimals, price) or 0),
                threshold=thresholds.large_transfer_usd,
                unit="usd",
            ),
        )


def _by_distance(value: float, threshold: float, unit: str) -> tuple[Severity, AlertMetrics]:
    return severity_of(value, threshold), AlertMetrics(value=value, threshold=threshold, unit=unit)
