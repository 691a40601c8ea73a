"""The whole analysis: one window's records in, the result and its alerts out."""

from collections.abc import Sequence

import numpy as np

from common.actions.analyze_nft_movements import NftThresholds
from common.chain.types import ZERO_ADDRESS
from common.chain.units import share_pct
from common.results.alerts import Alert
from common.results.envelope import Completeness, Reason
from common.results.nft_movements import (
    CurrencyVolume,
    NftCollectionFacts,
    NftMovementAnalysis,
    NftMovementSummary,
)
from nft_worker.analysis.activity import Buckets, activity_rows, window_buckets
from nft_worker.analysis.alerts import AlertWriter, most_severe
from nft_worker.analysis.arrays import Mask, distinct, is_in
from nft_worker.analysis.clusters import wallet_clusters
from nft_worker.analysis.findings import LIST_CAP
from nft_worker.analysis.hold_times import hold_time
from nft_worker.analysis.holders import holder_distribution, total_supply
from nft_worker.analysis.movements import NOBODY
from nft_worker.analysis.prices import price_statistics, volumes
from nft_worker.analysis.rows import (
    moment,
    movement_rows,
    path_rows,
    pattern_rows,
    sale_rows,
)
from nft_worker.analysis.suspicions import Suspicions, cycles_by_token, find_suspicions
from nft_worker.analysis.token_trading import token_trading
from nft_worker.analysis.trading import Trading
from nft_worker.analysis.wash_trades import Judged
from nft_worker.history import History
from nft_worker.models import Currencies, Holdings

CLUSTER_CAP = 200


def analyze(
    history: History,
    trading: Trading,
    holdings: Holdings,
    currencies: Currencies,
    thresholds: NftThresholds,
    judged: Judged,
    *,
    chain_id: int,
    include_alerts: bool,
) -> NftMovementAnalysis:
    """Return how a collection moved in a window, and what in it deserves a look.

    Args:
        history: What happened.
        trading: What `read_trading` makes of it.
        holdings: Who holds what at the pinned block.
        currencies: Metadata of the tokens that sales were paid in.
        thresholds: From where on something is marked.
        judged: What the wash rules find.
        chain_id: For the identity of alerts.
        include_alerts: False leaves alerts out.
    """
    buckets = _buckets(history, trading)
    suspicions = find_suspicions(history, trading, holdings, buckets, thresholds, judged)
    sales, logged = trading.all_sales, trading.logged
    flagged = sales.mask_of(suspicions.flagged)
    in_window = trading.is_in_window
    supply = total_supply(history, logged.pick(logged.is_mint | logged.is_burn))
    newest_sales = sales.pick(trading.sales[-LIST_CAP:])
    newest = trading.transfers[-LIST_CAP:]
    newest_sold = {sale.position for sale in newest_sales}
    clusters = wallet_clusters(sales.pick(flagged))
    result = NftMovementAnalysis(
        window=history.window,
        completeness=_completeness(history, holdings),
        warnings=list(suspicions.not_evaluated),
        thresholds=thresholds.model_dump(by_alias=True),
        collection=_facts(history, supply),
        summary=_summary(trading, in_window, flagged, currencies),
        transfers=movement_rows(logged.pick(newest), logged.times(newest), newest_sold),
        transfers_total=len(trading.transfers),
        sales=sale_rows(newest_sales, suspicions.verdicts, suspicions.flagged, currencies),
        sales_total=len(trading.sales),
        price_stats=price_statistics(sales, in_window & ~flagged, currencies),
        holders=holder_distribution(holdings, supply),
        hold_time=hold_time(trading.paths, suspicions.flagged, history.window.from_block),
        token_paths=path_rows(trading.paths, cycles_by_token(suspicions.cycles), sales),
        token_paths_total=len(trading.paths),
        token_trading=token_trading(sales, in_window, flagged),
        suspicious_patterns=pattern_rows(suspicions.findings, suspicions.verdicts, thresholds),
        suspicious_patterns_total=len(suspicions.findings) + suspicions.untold,
        wallet_clusters=clusters[:CLUSTER_CAP],
        wallet_clusters_total=len(clusters),
        activity_bucket_seconds=buckets.seconds,
        activity=activity_rows(
            logged,
            logged.block >= history.window.from_block,
            is_in(logged.keys, sales.keys),
            is_in(logged.keys, sales.keys[flagged]),
            buckets,
        ),
        filters_not_evaluated=[reason.code for reason in suspicions.not_evaluated],
        alerts=None,
    )
    if include_alerts:
        writer = AlertWriter(chain_id, history.collection.address, thresholds)
        result.alerts = _alerts(writer, result, suspicions, history)
    return result


def _buckets(history: History, trading: Trading) -> Buckets:
    seconds = trading.logged.seconds[trading.first_transfer :]
    return window_buckets(int(seconds[0]) if len(seconds) else None, *history.window_seconds)


def _alerts(
    writer: AlertWriter, result: NftMovementAnalysis, suspicions: Suspicions, history: History
) -> list[Alert]:
    return most_severe(
        [
            *writer.of_findings(suspicions.findings, suspicions.verdicts),
            *writer.incomplete(result.completeness, history.block),
            *writer.activity(result.activity, result.activity_bucket_seconds),
            *(
                writer.concentration(result.holders, moment(history.block.timestamp))
                if history.collection.has_unique_tokens  # units of many ids do not compare
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
    trading: Trading, sold: Mask, flagged: Mask, currencies: Currencies
) -> NftMovementSummary:
    logged, first = trading.logged, trading.first_transfer
    sales = trading.all_sales
    is_mint, is_burn = logged.is_mint[first:], logged.is_burn[first:]
    to_itself = (logged.sender[first:] == logged.recipient[first:]) & ~is_mint & ~is_burn
    senders, receivers = logged.accounts.mask_of(()), logged.accounts.mask_of(())
    senders[logged.sender[first:]] = receivers[logged.recipient[first:]] = True
    by_currency = volumes(sales, sold, flagged, currencies)
    return NftMovementSummary(
        transfer_count=len(logged) - first,
        sale_count=int(np.count_nonzero(sold)),
        wash_sale_count=int(np.count_nonzero(flagged)),
        unpriced_sale_count=int(
            np.count_nonzero(sold & sales.currencies.mask_of((None,))[sales.currency])
        ),
        mint_count=int(np.count_nonzero(is_mint)),
        burn_count=int(np.count_nonzero(is_burn)),
        self_transfer_count=int(
            np.count_nonzero(to_itself & ~is_in(logged.keys[first:], sales.keys))
        ),
        unique_senders=int(np.count_nonzero(senders & ~logged.accounts.mask_of((ZERO_ADDRESS,)))),
        unique_receivers=int(np.count_nonzero(receivers & ~logged.accounts.mask_of(NOBODY))),
        unique_tokens=len(distinct(logged.token[first:])),
        volume_by_currency=by_currency,
        wash_sale_pct=share_pct(int(np.count_nonzero(flagged)), int(np.count_nonzero(sold))),
        wash_volume_pct=_main_wash_pct(by_currency),
    )


def _main_wash_pct(by_currency: Sequence[CurrencyVolume]) -> float | None:
    return by_currency[0].wash_pct if by_currency else None
