"""The whole analysis: from what was read to what is reported."""

from collections import Counter
from collections.abc import Iterable

from common.actions.analyze_coin_flows import CoinFlowOptions, CoinFlowThresholds
from common.actions.handler import Report
from common.chain.units import format_units
from common.models import from_millis
from common.results.alerts import Alert
from common.results.coin_flows import CoinFlowAnalysis, TokenFacts
from common.results.envelope import Reason, Window
from token_worker.analysis.activity import describe_bucket, measure_activity
from token_worker.analysis.alert_factory import AlertFactory
from token_worker.analysis.circles import Circle, describe_circle, find_circles
from token_worker.analysis.completeness import describe_completeness, find_warnings
from token_worker.analysis.compliance import check_compliance
from token_worker.analysis.dormancy import Waking, describe_waking, find_waking
from token_worker.analysis.exact import least_amount
from token_worker.analysis.findings import Findings
from token_worker.analysis.flow_graph import build_flow_graph
from token_worker.analysis.flows import (
    count_new_addresses,
    rank_net_flows,
    sum_address_flows,
    summarize_flows,
)
from token_worker.analysis.holders import describe_holders
from token_worker.analysis.labels import describe_exchange_flows, find_exchange_rows
from token_worker.analysis.large_transfers import describe_transfer, find_large_rows, large_amount
from token_worker.analysis.pattern_alerts import pattern_alerts
from token_worker.analysis.patterns import (
    describe_bait,
    describe_batch,
    find_bait,
    find_batches,
    find_zero_value_groups,
)
from token_worker.analysis.sizes import describe_sizes
from token_worker.analysis.state_alerts import state_alerts
from token_worker.analysis.transfer_alerts import transfer_alerts
from token_worker.analysis.trends import describe_trends
from token_worker.analysis.whales import find_whale_movements, find_whales
from token_worker.models import TokenFlowReading

LIST_CAP = 1_000
ALERT_CAP_PER_TYPE = 100


def report_flows(
    reading: TokenFlowReading,
    options: CoinFlowOptions,
    thresholds: CoinFlowThresholds,
    circles: list[Circle] | None = None,
) -> Report[CoinFlowAnalysis]:
    """Return result, alerts and summary of one run.

    Args:
        reading: What was read, all at one block.
        options: Of the job; its thresholds are in `thresholds` already.
        thresholds: In force for this run.
        circles: Where they have been searched already, so that their members could be looked up.

    Raises:
        PayloadError: A threshold in tokens was given for a token without decimals.
    """
    if circles is None:
        circles = search_circles(reading, thresholds)
    found = find_everything(reading, options, thresholds, circles)
    warnings = find_warnings(found)
    alerts: list[Alert] | None = None
    if options.include_alerts:
        make = AlertFactory(reading.chain_id, reading.token, found.table)
        alerts, left_out = cap_alerts(
            [
                *transfer_alerts(found, thresholds, make),
                *state_alerts(found, thresholds, make),
                *pattern_alerts(found, thresholds, make),
            ]
        )
        warnings += left_out
    result = write_down(found, thresholds, warnings, alerts)
    result = result.model_copy(update={"trends": describe_trends(result, reading.previous)})
    return Report(result=result, alerts=alerts or [], summary=_summary(result))


def search_circles(reading: TokenFlowReading, thresholds: CoinFlowThresholds) -> list[Circle]:
    """Return the circles among the transfers, see `find_circles`."""
    return find_circles(
        reading.token.address,
        reading.table,
        thresholds.circular_residual_pct,
        thresholds.circular_min_transfers,
    )


def find_everything(
    reading: TokenFlowReading,
    options: CoinFlowOptions,
    thresholds: CoinFlowThresholds,
    circles: list[Circle],
) -> Findings:
    """Return what each analysis finds, see `report_flows`."""
    token, supply = reading.token, reading.total_supply
    table = reading.table
    flows = sum_address_flows(table)
    exchange_rows = find_exchange_rows(table, reading.labels)
    whales = find_whales(
        token.address,
        table,
        flows,
        reading.balances,
        reading.contracts,
        supply,
        thresholds.whale_percentage,
    )
    return Findings(
        reading=reading,
        table=table,
        flows=flows,
        summary=summarize_flows(table, supply, _count_new(reading)),
        holders=describe_holders(
            token.address, reading.balances, supply, reading.contracts, reading.labels
        ),
        whales=whales,
        movements=find_whale_movements(
            table,
            whales,
            supply or 0,
            thresholds.whale_percentage,
            thresholds.whale_movement_pct,
        ),
        large_rows=find_large_rows(table, large_amount(thresholds, supply, token.decimals)),
        activity=measure_activity(
            table,
            options.bucket_minutes * 60,
            reading.window_start if reading.truncated else None,
            reading.block.timestamp,
        ),
        circles=circles,
        compliance=check_compliance(reading, flows),
        exchange_rows=exchange_rows,
        exchange_flows=describe_exchange_flows(
            table, reading.labels, exchange_rows, supply, LIST_CAP
        ),
        batches=find_batches(table, thresholds.batch_recipients),
        bait=find_bait(table),
        zero_value_groups=find_zero_value_groups(table, thresholds.poisoning_zero_transfers),
        woken=_find_woken(reading, thresholds),
    )


def _find_woken(reading: TokenFlowReading, thresholds: CoinFlowThresholds) -> list[Waking] | None:
    if reading.truncated or not reading.total_supply:
        return None
    return find_waking(
        reading.table,
        int(thresholds.dormant_days * 86_400),
        least_amount(reading.total_supply, thresholds.dormant_supply_pct),
    )


def _count_new(reading: TokenFlowReading) -> int | None:
    """Addresses first seen after the previous report, or ever without one."""
    if reading.truncated:
        return None
    since = reading.previous.block_number if reading.previous else -1
    return count_new_addresses(reading.table, since)


def cap_alerts(alerts: Iterable[Alert]) -> tuple[list[Alert], list[Reason]]:
    """Return the first alerts of each type, and a warning for each type that had more."""
    counts: Counter[str] = Counter()
    kept: list[Alert] = []
    for alert in alerts:
        counts[alert.type] += 1
        if counts[alert.type] <= ALERT_CAP_PER_TYPE:
            kept.append(alert)
    return kept, [
        Reason(
            code="alerts_capped",
            detail=f"{count} alerts of type {alert_type}: only the {ALERT_CAP_PER_TYPE} most "
            "important ones are recorded",
        )
        for alert_type, count in counts.items()
        if count > ALERT_CAP_PER_TYPE
    ]


def write_down(
    found: Findings,
    thresholds: CoinFlowThresholds,
    warnings: list[Reason],
    alerts: list[Alert] | None,
) -> CoinFlowAnalysis:
    """Return the result document; long lists are cut to their most important entries."""
    reading, table, token = found.reading, found.table, found.reading.token
    supply = reading.total_supply
    circles = [
        describe_circle(table, circle, reading.contracts) for circle in found.circles[:LIST_CAP]
    ]
    return CoinFlowAnalysis(
        window=Window(
            from_block=reading.from_block,
            to_block=reading.block.number,
            from_timestamp=from_millis(reading.window_start * 1000),
            to_timestamp=from_millis(reading.block.timestamp * 1000),
            truncated=reading.truncated,
        ),
        completeness=describe_completeness(found),
        warnings=warnings,
        thresholds=thresholds.model_dump(by_alias=True, exclude_none=True),
        token=TokenFacts(
            address=token.address,
            name=token.name,
            symbol=token.symbol,
            decimals=token.decimals,
            metadata_status=token.status,
            total_supply_raw=None if supply is None else str(supply),
            total_supply=None if supply is None else format_units(supply, token.decimals),
            compliance=found.compliance.status,
            compliance_checked=found.compliance.checked,
            compliance_mismatches=len(found.compliance.mismatches),
        ),
        summary=found.summary,
        size_distribution=describe_sizes(table),
        holders=found.holders,
        whales=found.whales[:LIST_CAP],
        whales_total=len(found.whales),
        large_transfers=[
            describe_transfer(table, row, supply, token.decimals)
            for row in found.large_rows[:LIST_CAP]
        ],
        large_transfers_total=len(found.large_rows),
        net_flows=rank_net_flows(table, found.flows, LIST_CAP),
        net_flows_total=len(table.addresses),
        bucket_minutes=found.activity.bucket_seconds // 60,
        activity=[describe_bucket(bucket) for bucket in found.activity.buckets],
        activity_total=found.activity.total,
        circular_flows=circles,
        circular_flows_total=len(found.circles),
        flow_graph=build_flow_graph(table),
        exchange_flows=found.exchange_flows,
        batch_distributions=[describe_batch(table, each) for each in found.batches[:LIST_CAP]],
        batch_distributions_total=len(found.batches),
        poisoned_transfers=[describe_bait(table, each) for each in found.bait[:LIST_CAP]],
        poisoned_transfers_total=len(found.bait),
        woken_supply=None
        if found.woken is None
        else [describe_waking(table, each, supply) for each in found.woken[:LIST_CAP]],
        trends=None,
        alerts=alerts,
    )


def _summary(result: CoinFlowAnalysis) -> dict[str, str | int | float | bool | None]:
    symbol = result.token.symbol
    return {
        "symbol": symbol[:32] if symbol else None,
        "transfers": result.summary.transfer_count,
        "activeAddresses": result.summary.active_addresses,
        "volumeRaw": result.summary.volume_raw,
        "netSupplyChangeRaw": result.summary.net_supply_change_raw,
        "whales": result.whales_total,
        "largeTransfers": result.large_transfers_total,
        "circularFlows": result.circular_flows_total,
        "truncated": result.window.truncated,
        "completeness": result.completeness.status,
    }
