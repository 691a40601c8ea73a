"""Carries out `analyze_coin_flows`: read, analyse, report."""

import asyncio
from dataclasses import replace

from common.actions.analyze_coin_flows import CoinFlowPayload, CoinFlowThresholds
from common.actions.handler import Report, RunContext
from common.actions.thresholds import resolve_thresholds
from common.chain.types import Address
from common.prices.reading import FeedsByChain, packaged_feeds
from common.results.coin_flows import CoinFlowAnalysis
from token_worker.analysis.circles import circle_members
from token_worker.analysis.digesting import make_digest
from token_worker.analysis.report import report_findings
from token_worker.analysis.search import find_everything, search_circles
from token_worker.analysis.trends import PreviousReport
from token_worker.reader import fetch_contracts, read_token_flows

MAX_MEMBERS = 200
"""Members of circles that are looked up for code, at one call each."""


async def analyze_coin_flows(
    payload: CoinFlowPayload, context: RunContext
) -> Report[CoinFlowAnalysis]:
    """Analyse with the price feeds that come with the code, see `analyze_with`."""
    return await analyze_with(packaged_feeds(), payload, context)


async def analyze_with(
    feeds: FeedsByChain, payload: CoinFlowPayload, context: RunContext
) -> Report[CoinFlowAnalysis]:
    """Return how a token moved up to the pinned block.

    Raises:
        PayloadError: The address is no fungible token, or a threshold makes no sense for it.
        ChainError: The chain could not be read.
    """
    options = payload.options
    thresholds = resolve_thresholds(
        CoinFlowThresholds, context.configured_thresholds, options.thresholds
    )
    reading = await read_token_flows(
        context.pinned,
        context.database,
        Address(payload.token_address),
        options,
        thresholds,
        context.report_progress,
        PreviousReport.from_document(await context.find_previous_result()),
        feeds.get(context.pinned.chain_id, ()),
    )
    await context.report_progress(
        f"analysing {len(reading.table) - reading.new_from} new transfers"
    )
    circles = await asyncio.to_thread(search_circles, reading, thresholds)
    members = circle_members(reading.table, circles.largest, MAX_MEMBERS)
    contracts = await fetch_contracts(context.pinned, members)
    reading = replace(reading, contracts={**contracts, **reading.contracts})
    found = await asyncio.to_thread(find_everything, reading, options, thresholds, circles)
    report = await asyncio.to_thread(report_findings, found, options, thresholds)
    digest = await asyncio.to_thread(make_digest, found) if reading.digests else None
    if reading.digests and digest:
        await context.pinned.confirm()  # what is kept must be of one chain
        await reading.digests.write(digest, context.pinned.block.hash)
    return report
