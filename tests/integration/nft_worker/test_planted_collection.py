"""The analysis of the planted collections finds exactly what was planted."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest

from common.actions.handler import Report
from common.chain.types import RpcStats
from common.results.nft_movements import NftMovementAnalysis, SuspiciousPattern
from local_chain.facts import Sale
from local_chain.scenario import Scenario

Analysis = Callable[..., Awaitable[tuple[Report[NftMovementAnalysis], RpcStats]]]

WASH = ("self_trade", "round_trip", "ring")


@pytest.fixture
async def found(anvil_url: str, scenario: Scenario, analysis: Analysis) -> NftMovementAnalysis:
    """Return the analysis of the ERC-721 collection."""
    report, _ = await analysis(anvil_url, scenario.collection.address)
    return report.result


def told(sales: tuple[Sale, ...]) -> set[tuple[str, str, str, str, str | None, str]]:
    return {
        (
            sale.tx_hash,
            str(sale.token_id),
            sale.seller,
            sale.buyer,
            sale.currency,
            str(sale.price_wei),
        )
        for sale in sales
    }


def patterns(found: NftMovementAnalysis, kind: str) -> list[SuspiciousPattern]:
    return [pattern for pattern in found.suspicious_patterns if pattern.type == kind]


def test_the_whole_history_was_read_and_every_movement_counted(
    scenario: Scenario, found: NftMovementAnalysis
) -> None:
    planted = scenario.collection

    assert (found.completeness.status, found.window.truncated) == ("complete", False)
    assert (
        found.collection.name,
        found.collection.symbol,
        found.collection.standard,
        found.collection.total_supply_raw,
    ) == (planted.name, planted.symbol, "erc721", str(planted.total_supply))
    summary = found.summary
    assert (summary.transfer_count, summary.mint_count, summary.burn_count) == (
        planted.transfer_count,
        planted.mint_count,
        planted.burn_count,
    )
    assert sum(bucket.transfers for bucket in found.activity) == planted.transfer_count


def test_every_sale_is_found_with_its_price(scenario: Scenario, found: NftMovementAnalysis) -> None:
    assert {
        (
            sale.transaction_hash,
            sale.token_id,
            sale.seller,
            sale.buyer,
            sale.currency,
            sale.price_raw or "",
        )
        for sale in found.sales
    } == told(scenario.collection.sales)
    assert not any(sale.price_estimated or sale.is_bundle for sale in found.sales)
    assert Counter(sale.price_source for sale in found.sales) == Counter(
        "tx_value" if sale.currency == "native" else "erc20_legs"
        for sale in scenario.collection.sales
    )


def test_the_planted_wash_trades_are_flagged_and_no_honest_sale_is(
    scenario: Scenario, found: NftMovementAnalysis
) -> None:
    flagged = {sale.transaction_hash for sale in found.sales if sale.wash.flagged}
    suspected = {sale.transaction_hash for sale in found.sales if sale.wash.score > 0}

    planted = {sale.tx_hash for sale in scenario.collection.sales if sale.pattern in WASH}
    assert flagged == suspected == planted


@pytest.mark.parametrize(
    ("kind", "pattern_type", "score"),
    [
        ("self_trade", "self_trade", 1.0),
        ("round_trip", "closed_cycle", 0.8),
        ("round_trip", "swap_back", 0.8),
        ("ring", "closed_cycle", 0.6),
    ],
)
def test_each_planted_story_is_told_with_its_wallets_and_transactions(
    scenario: Scenario, found: NftMovementAnalysis, kind: str, pattern_type: str, score: float
) -> None:
    [story] = scenario.collection.planted_of(kind)

    [pattern] = [
        each for each in patterns(found, pattern_type) if each.token_ids == [str(story.token_id)]
    ]

    assert set(pattern.addresses) == set(story.wallets)
    assert set(pattern.transaction_hashes) == set(story.tx_hashes)
    assert pattern.score == score
    assert pattern.explanation.endswith(".")


def test_the_planted_flips_and_the_mint_burst_are_found_and_nothing_else(
    scenario: Scenario, found: NftMovementAnalysis
) -> None:
    flips = scenario.collection.planted_of("rapid_flip")
    assert {tuple(each.token_ids) for each in patterns(found, "rapid_flip")} == {
        (str(flip.token_id),) for flip in flips
    }
    burst = scenario.collection.mint_burst
    assert burst is not None
    [minted] = patterns(found, "mint_burst")
    assert (set(minted.addresses), minted.token_ids_total) == (
        set(burst.receivers),
        burst.mint_count,
    )
    assert Counter(each.type for each in found.suspicious_patterns) == {
        "self_trade": 1,
        "closed_cycle": 2,
        "swap_back": 1,
        "rapid_flip": len(flips),
        "mint_burst": 1,
    }


def test_wash_volume_is_kept_apart_from_honest_volume(
    scenario: Scenario, found: NftMovementAnalysis
) -> None:
    for volume in found.summary.volume_by_currency:
        sales = [each for each in scenario.collection.sales if each.currency == volume.currency]
        wash = sum(each.price_wei for each in sales if each.pattern in WASH)
        honest = sum(each.price_wei for each in sales if each.pattern not in WASH)
        assert (volume.wash_amount_raw, volume.honest_amount_raw) == (str(wash), str(honest))
        assert volume.decimals == 18
    prices = {stats.currency: stats for stats in found.price_stats}
    for currency, stats in prices.items():
        honest_prices = [
            each.price_wei
            for each in scenario.collection.sales
            if each.currency == currency and each.pattern not in WASH
        ]
        assert (stats.sale_count, stats.max_raw) == (len(honest_prices), str(max(honest_prices)))


def test_wallets_of_a_ring_are_a_cluster(scenario: Scenario, found: NftMovementAnalysis) -> None:
    planted = scenario.collection.planted_of("ring") + scenario.collection.planted_of("round_trip")

    assert {frozenset(cluster.addresses) for cluster in found.wallet_clusters} == {
        frozenset(story.wallets) for story in planted
    }


def test_the_holders_are_those_of_the_contract(
    scenario: Scenario, found: NftMovementAnalysis
) -> None:
    planted = scenario.collection

    assert (found.holders.count, found.holders.held_raw) == (
        planted.holder_count,
        str(planted.total_supply),
    )
    assert (found.holders.coverage, found.holders.coverage_status) == (1.0, "complete")
    assert found.holders.unknown_count == 0


def test_a_visit_to_a_vault_is_in_the_path_and_no_cycle(
    scenario: Scenario, found: NftMovementAnalysis
) -> None:
    [visit] = scenario.collection.planted_of("vault_visit")

    [path] = [each for each in found.token_paths if each.token_id == str(visit.token_id)]

    assert (path.cycles, [hop.kind for hop in path.hops]) == (0, ["mint", "transfer", "transfer"])


async def test_every_rule_is_evaluated_and_no_funder_invented(found: NftMovementAnalysis) -> None:
    assert found.filters_not_evaluated == []
    assert patterns(found, "common_funder") == patterns(found, "flash_loan") == []


async def test_alerts_name_the_planted_tokens_and_come_back_with_the_same_ids(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    first, _ = await analysis(anvil_url, scenario.collection.address)
    again, _ = await analysis(anvil_url, scenario.collection.address)

    assert {alert.alert_id for alert in first.alerts} == {alert.alert_id for alert in again.alerts}
    assert first.alerts == first.result.alerts
    tokens = {
        kind: {alert.subject.token_id for alert in first.alerts if alert.type == kind}
        for kind in ("WASH_TRADE", "SELF_TRADE", "CIRCULAR_TRANSFER", "RAPID_FLIP")
    }
    ids = {
        kind: {str(story.token_id) for story in scenario.collection.planted_of(kind)}
        for kind in (*WASH, "rapid_flip")
    }
    assert tokens == {
        "WASH_TRADE": ids["self_trade"] | ids["round_trip"] | ids["ring"],
        "SELF_TRADE": ids["self_trade"],
        "CIRCULAR_TRANSFER": ids["round_trip"] | ids["ring"],
        "RAPID_FLIP": ids["rapid_flip"],
    }


async def test_include_alerts_false_leaves_them_out_and_changes_nothing_else(
    anvil_url: str, scenario: Scenario, analysis: Analysis, found: NftMovementAnalysis
) -> None:
    quiet, _ = await analysis(anvil_url, scenario.collection.address, includeAlerts=False)

    assert (quiet.alerts, quiet.result.alerts) == ([], None)
    assert quiet.result == found.model_copy(update={"alerts": None})


async def test_a_collection_of_three_hundred_transfers_costs_about_two_calls_a_trade(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    report, stats = await analysis(anvil_url, scenario.collection.address, funderWallets=0)

    trades = report.result.summary.transfer_count - report.result.summary.mint_count
    assert stats.by_method["eth_getTransactionReceipt"] <= trades
    assert stats.by_method["eth_getTransactionByHash"] <= trades
    assert stats.calls <= 2 * trades + 64


async def test_editions_traded_both_ways_are_honest(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    planted = scenario.editions

    report, _ = await analysis(anvil_url, planted.address)
    found = report.result

    assert found.collection.standard == "erc1155"
    assert (found.summary.transfer_count, found.summary.mint_count) == (
        planted.transfer_count,
        planted.mint_count,
    )
    assert {(sale.quantity_raw, sale.price_raw) for sale in found.sales} == {
        (str(sale.quantity), str(sale.price_wei)) for sale in planted.sales
    }
    assert (found.suspicious_patterns, report.alerts) == ([], [])
    assert (found.holders.count, found.holders.coverage) == (planted.holder_count, 1.0)
    assert found.collection.total_supply_raw == str(planted.total_supply)


async def test_chosen_tokens_are_followed_alone(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    [ring] = scenario.collection.planted_of("ring")

    report, stats = await analysis(
        anvil_url, scenario.collection.address, tokenIds=[str(ring.token_id)]
    )
    found = report.result

    assert found.summary.unique_tokens == 1
    assert found.summary.wash_sale_count == len(ring.tx_hashes)
    assert stats.logs_fetched == found.summary.transfer_count


async def test_a_limited_window_is_cut_at_a_whole_block_and_says_so(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    report, _ = await analysis(anvil_url, scenario.collection.address, transferLimit=20)
    found = report.result

    assert found.window.truncated
    assert 20 <= found.summary.transfer_count < scenario.collection.transfer_count
    assert found.holders.coverage_status == "partial"
    assert found.collection.total_supply_raw == str(scenario.collection.total_supply)


async def test_a_window_of_blocks_holds_those_blocks(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    burst = scenario.collection.mint_burst
    assert burst is not None
    number = burst.block_number

    report, _ = await analysis(
        anvil_url, scenario.collection.address, fromBlock=number, toBlock=number
    )

    assert report.result.summary.mint_count == burst.mint_count
    assert (report.result.window.from_block, report.result.window.to_block) == (number, number)


async def test_a_window_of_days_begins_with_the_first_block_in_it(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    report, _ = await analysis(anvil_url, scenario.collection.address, days=1)
    found = report.result

    assert found.window.from_timestamp is not None
    assert found.window.to_timestamp is not None
    begin: datetime = found.window.from_timestamp
    assert (found.window.to_timestamp - begin).total_seconds() <= 86_400
    assert {sale.transaction_hash for sale in found.sales} == {
        sale.tx_hash for sale in scenario.collection.sales if sale.timestamp >= begin
    }


async def test_a_window_cut_by_the_limit_is_partial(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    report, _ = await analysis(
        anvil_url, scenario.collection.address, fromBlock=0, transferLimit=20
    )

    assert [reason.code for reason in report.result.completeness.reasons] == ["transfer_limit"]
    assert "DATA_INCOMPLETE" in {alert.type for alert in report.alerts}
