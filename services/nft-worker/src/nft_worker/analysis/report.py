"""The whole analysis: one window's records in, the result and its alerts out."""

from collections import Counter
from collections.abc import Sequence

from common.actions.analyze_nft_movements import NftThresholds
from common.chain.types import ZERO_ADDRESS
from common.results.alerts import Alert
from common.results.envelope import Completeness, Reason
from common.results.nft_movements import (
    CurrencyVolume,
    NftCollectionFacts,
    NftMovementAnalysis,
    NftMovementSummary,
)
from nft_worker.analysis.activity import Buckets, activity_rows, window_buckets
from nft_worker.analysis.alerts import AlertWriter, finding_severity, most_severe
from nft_worker.analysis.clusters import wallet_clusters
from nft_worker.analysis.hold_times import hold_time
from nft_worker.analysis.holders import holder_distribution, total_supply
from nft_worker.analysis.movements import NOBODY, movement_kind
from nft_worker.analysis.prices import price_statistics, volumes
from nft_worker.analysis.rows import (
    moment,
    movement_rows,
    path_rows,
    pattern_rows,
    sale_rows,
)
from nft_worker.analysis.suspicions import Suspicions, cycles_by_token, find_suspicions
from nft_worker.analysis.trading import Trading
from nft_worker.models import Currencies, History, Holdings

CLUSTER_CAP = 200


def analyze(
    history: History,
    trading: Trading,
    holdings: Holdings,
    currencies: Currencies,
    thresholds: NftThresholds,
    *,
    chain_id: int,
    include_alerts: bool,
) -> NftMovementAnalysis:
    """Return how a collection moved in a window, and what in it deserves a look.

    The order in which transfers are given, or that they were read in parts that overlap, makes no
    difference.

    Args:
        history: What happened.
        trading: What `read_trading` makes of it.
        holdings: Who holds what at the pinned block.
        currencies: Metadata of the tokens that sales were paid in.
        thresholds: From where on something is marked.
        chain_id: For the identity of alerts.
        include_alerts: False leaves alerts out.
    """
    buckets = _buckets(history, trading)
    suspicions = find_suspicions(history, trading, holdings, buckets, thresholds)
    sales = {sale.position: sale for sale in trading.sales}
    supply = total_supply(history, trading.transfers)
    cycles = cycles_by_token(suspicions.cycles, trading.paths)
    clusters = wallet_clusters(trading.sales, suspicions.flagged)
    result = NftMovementAnalysis(
        window=history.window,
        completeness=_completeness(history, holdings),
        warnings=list(suspicions.not_evaluated),
        thresholds=thresholds.model_dump(by_alias=True),
        collection=_facts(history, supply),
        summary=_summary(trading, suspicions, currencies),
        transfers=movement_rows(trading.transfers, history.timestamps, sales),
        transfers_total=len(trading.transfers),
        sales=sale_rows(trading.sales, suspicions.verdicts, suspicions.flagged, currencies),
        sales_total=len(trading.sales),
        price_stats=price_statistics(trading.sales, suspicions.flagged),
        holders=holder_distribution(holdings, supply),
        hold_time=hold_time(trading.paths, suspicions.flagged, history.timestamps),
        token_paths=path_rows(trading.paths, cycles, sales, history.timestamps),
        token_paths_total=len(trading.paths),
        suspicious_patterns=pattern_rows(
            suspicions.findings,
            suspicions.verdicts,
            [
                finding_severity(finding, suspicions.verdicts, thresholds)
                for finding in suspicions.findings
            ],
        ),
        suspicious_patterns_total=len(suspicions.findings),
        wallet_clusters=clusters[:CLUSTER_CAP],
        wallet_clusters_total=len(clusters),
        activity_bucket_seconds=buckets.seconds,
        activity=activity_rows(
            trading.transfers, history.timestamps, sales, suspicions.flagged, buckets
        ),
        filters_not_evaluated=[reason.code for reason in suspicions.not_evaluated],
        alerts=None,
    )
    if include_alerts:
        writer = AlertWriter(chain_id, history.collection.address, thresholds)
        result.alerts = _alerts(writer, result, suspicions, history)
    return result


def _buckets(history: History, trading: Trading) -> Buckets:
    times = [history.timestamps[transfer.block_number] for transfer in trading.transfers[:1]]
    return window_buckets(min(times, default=None), *history.window_seconds)


def _alerts(
    writer: AlertWriter, result: NftMovementAnalysis, suspicions: Suspicions, history: History
) -> list[Alert]:
    return most_severe(
        [
            *writer.wash_trades(suspicions.findings, suspicions.verdicts),
            *writer.patterns(suspicions.findings, suspicions.verdicts),
            *writer.activity(result.activity, result.activity_bucket_seconds),
            *(
                writer.concentration(result.holders, moment(history.block.timestamp))
                if history.collection.standard == "erc721"  # units of many ids do not compare
                else ()
            ),
        ]
    )


def _completeness(history: History, holdings: Holdings) -> Completeness:
    reasons = list(history.gaps)
    if history.undecodable_logs:
        reasons.append(
            Reason(
                code="undecodable_logs",
                detail=f"{history.undecodable_logs} transfer logs are malformed and were left out",
            )
        )
    if holdings.unknown:
        reasons.append(
            Reason(
                code="unanswered_balances",
                detail=f"the contract did not tell {holdings.unknown} owners or balances",
            )
        )
    return Completeness(status="partial" if reasons else "complete", reasons=reasons)


def _facts(history: History, supply: int | None) -> NftCollectionFacts:
    collection = history.collection
    return NftCollectionFacts(
        address=collection.address,
        standard=collection.standard,
        name=collection.name,
        symbol=collection.symbol,
        total_supply_raw=None if supply is None else str(supply),
        enumerable=collection.enumerable,
        is_proxy=collection.is_proxy,
    )


def _summary(
    trading: Trading, suspicions: Suspicions, currencies: Currencies
) -> NftMovementSummary:
    sold = {sale.position for sale in trading.sales}
    kinds = Counter(movement_kind(transfer, sold) for transfer in trading.transfers)
    by_currency = volumes(trading.sales, suspicions.flagged, currencies)
    return NftMovementSummary(
        transfer_count=len(trading.transfers),
        sale_count=len(trading.sales),
        wash_sale_count=len(suspicions.flagged),
        unpriced_sale_count=sum(sale.price is None for sale in trading.sales),
        mint_count=kinds["mint"],
        burn_count=kinds["burn"],
        self_transfer_count=kinds["self"],
        unique_senders=len({move.sender for move in trading.transfers} - {ZERO_ADDRESS}),
        unique_receivers=len({move.recipient for move in trading.transfers} - NOBODY),
        unique_tokens=len({move.token_id for move in trading.transfers}),
        volume_by_currency=by_currency,
        wash_volume_pct=_main_wash_pct(by_currency),
    )


def _main_wash_pct(by_currency: Sequence[CurrencyVolume]) -> float | None:
    return by_currency[0].wash_pct if by_currency else None
