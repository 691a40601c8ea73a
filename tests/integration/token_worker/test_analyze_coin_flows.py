from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common.actions.handler import Report
from common.errors import PayloadError
from common.results.coin_flows import CoinFlowAnalysis
from local_chain.addresses import CONTRACTS, WHALES
from local_chain.scenario import Scenario

Analyze = Callable[..., Awaitable[Report[CoinFlowAnalysis]]]

WHOLE_HISTORY = 100_000


async def test_the_whole_history_gives_exactly_what_was_planted(
    analyze: Analyze, scenario: Scenario
) -> None:
    flow = scenario.flow

    result = (await analyze(flow.address, transactionLimit=WHOLE_HISTORY)).result

    assert not result.window.truncated
    assert result.completeness.status == "complete"
    assert (result.token.name, result.token.symbol) == (flow.name, flow.symbol)
    assert result.token.total_supply_raw == str(flow.total_supply_raw)
    assert result.summary.transfer_count == flow.transfer_count
    assert result.summary.minted_raw == str(flow.minted_raw)
    assert result.summary.burned_raw == str(flow.burned_raw)
    assert result.summary.net_supply_change_raw == str(flow.total_supply_raw)
    assert result.holders.holder_count == flow.holder_count
    assert result.holders.coverage == 1.0
    assert [(whale.address, whale.balance_raw) for whale in result.whales] == [
        (share.address, str(share.balance_raw)) for share in flow.whales
    ]
    assert {
        (each.transaction_hash, each.amount_raw, each.sender, each.recipient)
        for each in result.large_transfers
    } == {
        (each.tx_hash, str(each.amount_raw), each.sender, each.receiver)
        for each in flow.large_transfers
    }
    assert {
        (bucket.bucket_start, bucket.transfers, bucket.volume_raw)
        for bucket in result.activity
        if bucket.transfers
    } == {(hour.bucket_start, hour.transfer_count, str(hour.volume_raw)) for hour in flow.activity}
    assert result.circular_flows == []


async def test_the_kept_history_gives_the_same_report_as_reading_everything(
    analyze: Analyze, scenario: Scenario
) -> None:
    read = (await analyze(scenario.flow.address, transactionLimit=WHOLE_HISTORY)).result
    kept = [(await analyze(scenario.flow.address, fullHistory=True)).result for _ in range(2)]

    assert kept == [read, read]
    assert (read.token.compliance, read.token.compliance_mismatches) == ("standard", 0)


async def test_the_planted_spike_is_the_only_one(analyze: Analyze, scenario: Scenario) -> None:
    spike = scenario.flow.spike

    report = await analyze(scenario.flow.address, transactionLimit=WHOLE_HISTORY)

    [alert] = [alert for alert in report.alerts if alert.type == "ACTIVITY_SPIKE"]
    assert alert.metrics.value == spike.transfer_count
    assert alert.detected_at.replace(minute=0) == spike.bucket_start


async def test_the_newest_hundred_transfers_show_the_whales_at_work(
    analyze: Analyze, scenario: Scenario
) -> None:
    accumulating, distributing, *_ = WHALES

    report = await analyze(scenario.flow.address)

    assert report.result.window.truncated
    assert report.result.summary.transfer_count >= 100
    behaviours = {whale.address: whale.behaviour for whale in report.result.whales}
    assert behaviours[accumulating] == "accumulating"
    assert behaviours[distributing] == "distributing"
    assert {
        (alert.type, alert.subject.address) for alert in report.alerts
    } >= {
        ("LARGE_TRANSFER", scenario.flow.address),
        ("WHALE_MOVEMENT", distributing),
        ("WHALE_ACCUMULATION", accumulating),
        ("WHALE_DISTRIBUTION", distributing),
    }  # fmt: skip


@pytest.mark.parametrize("limit", [1, 7, 100, 250])
async def test_a_limit_is_rounded_up_to_whole_blocks_and_never_more(
    analyze: Analyze, scenario: Scenario, limit: int
) -> None:
    async def window(transaction_limit: int) -> tuple[int, int]:
        result = (await analyze(scenario.flow.address, transactionLimit=transaction_limit)).result
        return result.window.from_block, result.summary.transfer_count

    from_block, count = await window(limit)

    assert count >= limit
    assert await window(count) == (from_block, count)
    one_more_from, one_more_count = await window(count + 1)
    assert one_more_from < from_block
    assert one_more_count > count


async def test_a_second_run_raises_no_other_alerts(analyze: Analyze, scenario: Scenario) -> None:
    first, second = [await analyze(scenario.flow.address) for _ in range(2)]

    assert [alert.alert_id for alert in first.alerts] == [alert.alert_id for alert in second.alerts]


async def test_holders_are_told_by_the_token_not_by_sums_of_transfers(
    analyze: Analyze, scenario: Scenario
) -> None:
    newest = (await analyze(scenario.flow.address, transactionLimit=1)).result
    balances = {share.address: share.balance_raw for share in scenario.flow.whales}

    assert newest.holders.coverage_status == "partial"
    for holder in newest.holders.top:
        if holder.address in balances:
            assert holder.balance_raw == str(balances[holder.address])


@pytest.mark.parametrize("collection", ["collection", "editions"])
async def test_a_collection_is_refused_with_the_way_out(analyze: Analyze, collection: str) -> None:
    with pytest.raises(PayloadError, match="analyze_nft_movements") as caught:
        await analyze(CONTRACTS[collection])

    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("name", "reason"), [("wallet", "no contract at"), ("multicall3", "no token at")]
)
async def test_what_is_no_token_is_refused(
    analyze: Analyze, scenario: Scenario, name: str, reason: str
) -> None:
    with pytest.raises(PayloadError, match=reason):
        await analyze(scenario.addresses[name])


@pytest.mark.parametrize("whole", [{"transactionLimit": WHOLE_HISTORY}, {"fullHistory": True}])
async def test_wrapping_the_native_coin_is_minting_it_and_balances_add_up_to_the_supply(
    analyze: Analyze, scenario: Scenario, whole: dict[str, Any]
) -> None:
    result = (await analyze(scenario.addresses["weth"], **whole)).result

    assert result.summary.mint_count > 0
    assert result.summary.net_supply_change_raw == result.token.total_supply_raw
    assert result.holders.coverage == 1.0
    assert result.token.compliance == "standard"
    assert [warning.code for warning in result.warnings] == ["wraps_are_mints"]


async def test_old_text_metadata_is_understood(analyze: Analyze, scenario: Scenario) -> None:
    result = (await analyze(scenario.addresses["bytes32_coin"])).result

    assert result.token.metadata_status == "bytes32"
    assert result.token.symbol
