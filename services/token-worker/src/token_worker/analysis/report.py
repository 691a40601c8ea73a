"""The whole analysis: from what was read to what is reported."""

from collections import Counter
from collections.abc import Iterable

from common.actions.analyze_coin_flows import CoinFlowOptions, CoinFlowThresholds
from common.actions.handler import Report
from common.chain.units import format_units
from common.models import from_millis
from common.prices.price import shown_price
from common.results.alerts import Alert
from common.results.coin_flows import CoinFlowAnalysis, TokenFacts
from common.results.envelope import Reason, Window
from token_worker.analysis.activity import describe_bucket
from token_worker.analysis.alert_factory import AlertFactory
from token_worker.analysis.circles import describe_circle
from token_worker.analysis.completeness import describe_completeness, find_warnings
from token_worker.analysis.compliance import describe_phony
from token_worker.analysis.dormancy import describe_waking
from token_worker.analysis.findings import LIST_CAP, Findings
from token_worker.analysis.flow_graph import build_flow_graph
from token_worker.analysis.flows import rank_net_flows
from token_worker.analysis.imitation_alerts import imitation_alerts
from token_worker.analysis.large_transfer_alerts import large_transfer_alerts
from token_worker.analysis.large_transfers import describe_transfer
from token_worker.analysis.pattern_alerts import pattern_alerts
from token_worker.analysis.patterns import describe_bait, describe_batch
from token_worker.analysis.search import find_everything, search_circles
from token_worker.analysis.sizes import describe_sizes
from token_worker.analysis.state_alerts import state_alerts
from token_worker.analysis.transfer_alerts import transfer_alerts
from token_worker.analysis.trends import describe_trends
from token_worker.models import TokenFlowReading

ALERT_CAP_PER_TYPE = 100


def report_flows(
    reading: TokenFlowReading, options: CoinFlowOptions, thresholds: CoinFlowThresholds
) -> Report[CoinFlowAnalysis]:
    """Return result, alerts and summary of one run, see `report_findings`."""
    circles = search_circles(reading, thresholds)
    return report_findings(
        find_everything(reading, options, thresholds, circles), options, thresholds
    )


def report_findings(
    found: Findings, options: CoinFlowOptions, thresholds: CoinFlowThresholds
) -> Report[CoinFlowAnalysis]:
    """Return result, alerts and summary of one run.

    Args:
        found: What the analyses found.
        options: Of the job; its thresholds are in `thresholds` already.
        thresholds: In force for this run.
    """
    reading = found.reading
    warnings = find_warnings(found)
    alerts: list[Alert] | None = None
    if options.include_alerts:
        make = AlertFactory(reading.chain_id, reading.token, found.table)
        alerts, left_out = cap_alerts(
            [
                *large_transfer_alerts(found, thresholds, make),
                *transfer_alerts(found, thresholds, make),
                *state_alerts(found, thresholds, make),
                *pattern_alerts(found, thresholds, make),
                *imitation_alerts(found, thresholds, make),
            ]
        )
        warnings += left_out
    result = write_down(found, thresholds, warnings, alerts)
    result = result.model_copy(update={"trends": describe_trends(result, reading.previous)})
    return Report(result=result, alerts=alerts or [], summary=_summary(result))


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
            detail=f"more than {ALERT_CAP_PER_TYPE} alerts of type {alert_type}: only the most "
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
        describe_circle(table, circle, reading.contracts)
        for circle in found.circles.largest[:LIST_CAP]
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
            is_proxy=reading.implementation is not None,
            implementation=reading.implementation,
            total_supply_raw=None if supply is None else str(supply),
            total_supply=None if supply is None else format_units(supply, token.decimals),
            compliance=found.compliance.status,
            compliance_checked=found.compliance.checked,
            compliance_mismatches=len(found.compliance.mismatches),
            price=shown_price(reading.price) if reading.price else None,
            counterfeit=reading.counterfeit,
        ),
        summary=found.summary,
        size_distribution=describe_sizes(found.sums.sizes),
        holders=found.holders,
        whales=found.whales[:LIST_CAP],
        whales_total=len(found.whales),
        large_transfers=[
            describe_transfer(table, row, supply, token.decimals, reading.price)
            for row in found.large_rows[:LIST_CAP]
        ],
        large_transfers_total=found.large_total,
        net_flows=rank_net_flows(found.sums.ledger, LIST_CAP),
        net_flows_total=len(found.sums.ledger),
        bucket_minutes=found.activity.bucket_seconds // 60,
        activity=[describe_bucket(bucket) for bucket in found.activity.buckets],
        activity_total=found.activity.total,
        circular_flows=circles,
        circular_flows_total=found.circles.total,
        flow_graph=build_flow_graph(found.sums.edges, found.sums.totals),
        exchange_flows=found.exchange_flows,
        batch_distributions=[describe_batch(table, each) for each in found.batches[:LIST_CAP]],
        batch_distributions_total=found.batches_total,
        poisoned_transfers=[describe_bait(table, each) for each in found.bait[:LIST_CAP]],
        poisoned_transfers_total=found.bait_total,
        phony_transfers=[
            describe_phony(table, *each) for each in found.compliance.phony[:LIST_CAP]
        ],
        phony_transfers_total=len(found.compliance.phony),
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
