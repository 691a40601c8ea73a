"""Payloads that cannot be carried out are refused with the way out."""

from collections.abc import Awaitable, Callable

import pytest

from common.actions.handler import Report
from common.chain.errors import BlockNotFinal
from common.chain.types import RpcStats
from common.errors import PayloadError
from common.results.nft_movements import NftMovementAnalysis
from local_chain.scenario import Scenario

Analysis = Callable[..., Awaitable[tuple[Report[NftMovementAnalysis], RpcStats]]]


async def test_a_wallet_is_no_collection(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    with pytest.raises(PayloadError, match="has no contract at block"):
        await analysis(anvil_url, scenario.wallet.address)


async def test_a_coin_is_no_collection_and_the_other_action_is_named(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    with pytest.raises(PayloadError, match=r"ERC-20 token.*analyze_coin_flows"):
        await analysis(anvil_url, scenario.flow.address)


async def test_a_contract_without_transfers_is_no_collection(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    with pytest.raises(PayloadError, match="claims neither ERC-721 nor ERC-1155"):
        await analysis(anvil_url, scenario.addresses["marketplace"])


async def test_a_window_of_the_future_waits(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    with pytest.raises(BlockNotFinal, match="toBlock 1000000 is above block") as refusal:
        await analysis(anvil_url, scenario.collection.address, fromBlock=0, toBlock=1_000_000)

    assert refusal.value.retryable


async def test_an_unknown_threshold_of_the_configuration_is_refused(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    with pytest.raises(ValueError, match="known thresholds: washScore"):
        await analysis(anvil_url, scenario.collection.address, thresholds={"whaleScore": 1})


async def test_a_window_without_transfers_is_an_empty_result(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    report, _ = await analysis(anvil_url, scenario.collection.address, fromBlock=0, toBlock=0)
    found = report.result

    assert (found.summary.transfer_count, found.holders.count, report.alerts) == (0, 0, [])
    assert found.completeness.status == "complete"
