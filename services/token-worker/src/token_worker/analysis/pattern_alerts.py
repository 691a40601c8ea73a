"""Alerts about exchanges, batches, dormant supply, new whales and what does not fit."""

from collections.abc import Iterator

from common.actions.analyze_coin_flows import CoinFlowThresholds
from common.chain.units import share_pct
from common.results.alerts import Alert, AlertMetrics, Severity
from token_worker.analysis.alert_factory import AlertFactory, severity_of, utc_day
from token_worker.analysis.completeness import describe_completeness
from token_worker.analysis.findings import Findings
from token_worker.analysis.newest_transfers import newest_transfers

SECONDS_A_DAY = 86_400


def pattern_alerts(
    found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    """Yield all of these alerts, the most important of each type first."""
    yield from _exchanges(found, thresholds, make)
    yield from _batches(found, thresholds, make)
    yield from _woken(found, thresholds, make)
    yield from _new_whales(found, thresholds, make)
    yield from _compliance(found, make)
    yield from _incomplete(found, make)


def _exchanges(
    found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    threshold = thresholds.exchange_net_supply_pct
    net = int(found.exchange_flows.net_raw)
    value = share_pct(net, found.reading.total_supply or 0)
    if value is None or abs(value) < threshold:
        return
    is_inflow = net > 0
    rows = (found.exchange_rows.inflow if is_inflow else found.exchange_rows.outflow).tolist()
    severity = severity_of(abs(value), threshold)
    yield make.create(
        "EXCHANGE_INFLOW" if is_inflow else "EXCHANGE_OUTFLOW",
        severity,
        f"{make.amount(abs(net))} net {'into' if is_inflow else 'out of'} exchanges "
        f"{found.period}: {make.percent(abs(value))} of supply",
        AlertMetrics(value=value, threshold=threshold if is_inflow else -threshold),
        keys=(utc_day(make.newest(rows)), severity),
        rows=rows,
    )


def _batches(
    found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    for batch in found.batches:
        first = found.table[batch.rows[0]]
        is_spam = batch.recipients > thresholds.batch_spam_recipients
        words = ", as spam does" if is_spam else ""
        yield make.create(
            "BATCH_DISTRIBUTION",
            "low" if is_spam else "info",
            f"{make.short(first.sender)} served {batch.recipients} recipients in one "
            f"transaction{words}",
            AlertMetrics(value=batch.recipients, threshold=thresholds.batch_recipients),
            keys=(first.transaction_hash, first.sender),
            rows=batch.rows,
        )


def _woken(found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory) -> Iterator[Alert]:
    for waking in found.woken or []:
        transfer = found.table[waking.row]
        value = share_pct(transfer.amount, found.reading.total_supply or 0) or 0.0
        yield make.create(
            "DORMANT_WAKE",
            severity_of(value, thresholds.dormant_supply_pct),
            f"{make.movement(waking.row)} after {waking.rested_seconds / SECONDS_A_DAY:,.0f} days "
            f"of rest: {make.percent(value)} of supply",
            AlertMetrics(value=value, threshold=thresholds.dormant_supply_pct),
            keys=(transfer.transaction_hash, transfer.log_index),
            rows=[waking.row],
            wallet=transfer.sender,
        )


def _new_whales(
    found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    """Whales that the previous report did not have.

    In a window that leaves out older transfers, a whale may merely not have been seen before: there
    it must have become one within the window.
    """
    previous, least = found.reading.previous, thresholds.whale_percentage
    if previous is None:
        return
    for whale in found.whales:
        if whale.supply_pct < least or whale.address in previous.whales:
            continue
        if whale.begin_supply_pct < least or not found.reading.truncated:
            yield make.create(
                "NEW_WHALE",
                severity_of(whale.supply_pct, least),
                f"{make.short(whale.address)} now holds {make.percent(whale.supply_pct)} of supply",
                AlertMetrics(
                    value=whale.supply_pct, threshold=least, baseline=whale.begin_supply_pct
                ),
                keys=(utc_day(found.reading.block.timestamp),),
                wallet=whale.address,
                at=found.reading.block.timestamp,
                more=newest_transfers(found.sums.ledger, [whale.address]),
            )


def _compliance(found: Findings, make: AlertFactory) -> Iterator[Alert]:
    check = found.compliance
    if check.status in ("standard", "unknown"):
        return
    words = {
        "rebasing": "balances change without transfers",
        "fee_on_transfer": "recipients get less than transfers say",
        "phony_events": "transfers leave balances as they were",
    }[check.status]
    severity: Severity = "high" if check.status == "phony_events" else "medium"
    yield make.create(
        "NON_COMPLIANT_TOKEN",
        severity,
        f"{make.symbol}: {words} ({len(check.mismatches)} of {check.checked} addresses)",
        AlertMetrics(value=len(check.mismatches), threshold=1),
        keys=(check.status,),
        at=found.reading.block.timestamp,
        more=newest_transfers(found.sums.ledger, [each.address for each in check.mismatches]),
    )


def _incomplete(found: Findings, make: AlertFactory) -> Iterator[Alert]:
    reasons = describe_completeness(found).reasons
    if reasons:
        codes = [reason.code for reason in reasons]
        yield make.create(
            "DATA_INCOMPLETE",
            "low",
            f"{make.symbol}: " + "; ".join(reason.detail for reason in reasons),
            AlertMetrics(value=len(reasons), threshold=1),
            keys=(*codes, utc_day(found.reading.block.timestamp)),
            at=found.reading.block.timestamp,
        )
