"""Carries out `analyze_nft_movements`: read, analyse, report."""

import asyncio
from dataclasses import replace

from common.actions.analyze_nft_movements import NftMovementPayload, NftThresholds
from common.actions.handler import Report, RunContext
from common.actions.thresholds import resolve_thresholds
from common.chain.client import PinnedChain
from common.chain.types import Address
from common.garbage import paused_collection
from common.results.nft_movements import NftMovementAnalysis
from nft_worker.account_reader import fetch_contracts
from nft_worker.analysis.report import analyze
from nft_worker.analysis.rules.common_funders import wallets_to_look_up
from nft_worker.analysis.sale_masks import frequent_sellers
from nft_worker.analysis.trading import Trading, read_trading
from nft_worker.analysis.wash_trades import (
    WashTrades,
    accused_wallets,
    find_wash_trades,
    judge,
    suspected_sales,
)
from nft_worker.analysis.wording import DAY
from nft_worker.collection_reader import fetch_collection
from nft_worker.funder_memory import FunderMemory
from nft_worker.funder_reader import fetch_fundings
from nft_worker.history import History
from nft_worker.movement_index import MovementIndex
from nft_worker.reader import fetch_currencies, fetch_history, fetch_holdings


async def analyze_nft_movements(
    payload: NftMovementPayload, context: RunContext
) -> Report[NftMovementAnalysis]:
    """Analyse how a collection moved up to the pinned block.

    Raises:
        PayloadError: The address is no NFT collection, or a threshold makes no sense.
        ChainError: The chain could not be read.
    """
    thresholds = resolve_thresholds(
        NftThresholds, context.configured_thresholds, payload.options.thresholds
    )
    collection = await fetch_collection(context.pinned, Address(payload.collection_address))
    await context.report_progress("reading transfers and payments")
    index = MovementIndex(
        context.database,
        context.pinned.chain_id,
        collection.address,
        payload.options.token_ids,
    )
    history = await fetch_history(
        context.pinned,
        collection,
        payload.options,
        index,
        path_seconds=thresholds.cycle_days * DAY,
    )
    with paused_collection():
        trading = await asyncio.to_thread(read_trading, history)
    history, wash = await _fetch_wash_trades(context.pinned, history, trading, thresholds)
    suspects = await asyncio.to_thread(suspected_sales, trading, wash, thresholds)
    await context.report_progress(
        f"reading holders after {len(trading.transfers)} transfers, {len(trading.sales)} sales"
    )
    sales = trading.all_sales
    sellers = frequent_sellers(sales, trading.is_in_window, thresholds.dump_tokens)
    holdings, currencies, fundings = await asyncio.gather(
        fetch_holdings(context.pinned, history, payload.options, sellers),
        fetch_currencies(context.pinned, sales.currencies.values()),
        fetch_fundings(
            context.pinned,
            FunderMemory(context.database, context.pinned.chain_id),
            *wallets_to_look_up(suspects, history.contracts, payload.options.funder_wallets),
        ),
    )
    await context.report_progress("analysing")
    with paused_collection():
        judged = await asyncio.to_thread(judge, trading, wash, fundings, thresholds)
        result = await asyncio.to_thread(
            analyze,
            history,
            trading,
            holdings,
            currencies,
            thresholds,
            judged,
            chain_id=context.pinned.chain_id,
            include_alerts=payload.options.include_alerts,
        )
    summary = result.summary
    return Report(
        result=result,
        alerts=result.alerts or [],
        summary={
            "transfers": summary.transfer_count,
            "sales": summary.sale_count,
            "washSales": summary.wash_sale_count,
            "washVolumePct": summary.wash_volume_pct,
            "suspiciousPatterns": result.suspicious_patterns_total,
            "alerts": len(result.alerts or []),
            "truncated": result.window.truncated,
        },
    )


async def _fetch_wash_trades(
    pinned: PinnedChain, history: History, trading: Trading, thresholds: NftThresholds
) -> tuple[History, WashTrades]:
    """Find wash trades, and once more when contracts turn out to be among the accused.

    The reader tells contracts from wallets where a token came back; rings over several tokens need
    no such return.

    Raises:
        ChainError: The chain could not be read.
    """
    wash = await asyncio.to_thread(find_wash_trades, history, trading, thresholds)
    contracts = await fetch_contracts(pinned, accused_wallets(wash))
    if contracts <= history.contracts:
        return history, wash
    history = replace(history, contracts=history.contracts | contracts)
    return history, await asyncio.to_thread(find_wash_trades, history, trading, thresholds)
