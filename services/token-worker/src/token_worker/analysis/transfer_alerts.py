"""Alerts about transfers: those of whales, mints, burns and circles."""

from collections.abc import Iterator

import numpy as np

from common.actions.analyze_coin_flows import CoinFlowThresholds
from common.chain.units import share_pct
from common.results.alerts import Alert, AlertMetrics
from token_worker.analysis.alert_factory import AlertFactory, severity_of, utc_day
from token_worker.analysis.circles import circle_addresses
from token_worker.analysis.findings import LIST_CAP, Findings


def transfer_alerts(
    found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    """Yield all alerts about transfers, the most important of each type first."""
    yield from _whale_movements(found, thresholds, make)
    yield from _supply_events(found, thresholds, make)
    yield from _circular_flows(found, thresholds, make)


def _whale_movements(
    found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    for movement in sorted(found.movements, key=lambda each: (-each.moved_pct, each.row)):
        transfer = found.table[movement.row]
        yield make.create(
            "WHALE_MOVEMENT",
            severity_of(movement.moved_pct, thresholds.whale_movement_pct),
            f"{make.movement(movement.row)}: {make.percent(movement.moved_pct)} of this whale's "
            "balance",
            AlertMetrics(value=movement.moved_pct, threshold=thresholds.whale_movement_pct),
            keys=(transfer.transaction_hash, transfer.log_index),
            rows=[movement.row],
            wallet=movement.whale,
        )


def _supply_events(
    found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    """Mints and burns against the larger one of the supplies at both ends of the window.

    That way a first mint, or a burn of everything, is 100 % and not an infinity.
    """
    if found.reading.total_supply is None:
        return
    minted, burned = found.sums.totals.minted, found.sums.totals.burned
    end = found.reading.total_supply
    whole = max(end, end - minted + burned)
    for alert_type, amount, rows, threshold, verb in (
        ("MINT_EVENT", minted, found.table.is_mint, thresholds.mint_supply_pct, "minted"),
        ("BURN_EVENT", burned, found.table.is_burn, thresholds.burn_supply_pct, "burned"),
    ):
        value = share_pct(amount, whole)
        if value is None or value < threshold:
            continue
        severity = severity_of(value, threshold)
        selected = np.flatnonzero(rows).tolist()
        yield make.create(
            alert_type,
            severity,
            f"{make.amount(amount)} {verb} {found.period}: {make.percent(value)} of supply",
            AlertMetrics(value=value, threshold=threshold),
            keys=(utc_day(make.newest(selected)), severity),
            rows=selected,
        )


def _circular_flows(
    found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    for circle in found.circles.largest[:LIST_CAP]:
        volume = circle.volume
        supply_pct = share_pct(volume, found.reading.total_supply or 0) or 0.0
        addresses = circle_addresses(found.table, circle)
        people = sum(not found.reading.contracts.get(address) for address in addresses)
        if people < 2:
            continue  # one account and contracts: a deposit to a vault or pool and back
        yield make.create(
            "CIRCULAR_FLOW",
            severity_of(supply_pct, thresholds.large_transfer_supply_pct),
            f"{len(circle.rows)} transfers moved {make.amount(volume)} in a circle of "
            f"{len(addresses)} addresses within {circle.span}",
            AlertMetrics(value=circle.residual_pct, threshold=thresholds.circular_residual_pct),
            keys=(circle.span, circle.span_start, *addresses),
            rows=circle.rows,
            confidence=1.0 if people == len(addresses) else 0.5,
        )
