"""The snapshot of the planted wallet says exactly what was planted."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot
from common.chain.types import RpcStats
from local_chain.scenario import Scenario

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]


async def test_the_account_and_its_coins_are_what_was_planted(
    anvil_url: str, scenario: Scenario, snapshot: Snapshot
) -> None:
    planted = scenario.wallet

    report, _ = await snapshot(anvil_url, planted.address)
    found = report.result

    assert found.completeness.status == "complete"
    assert (found.native.balance_raw, found.wallet.nonce) == (
        str(planted.native_wei),
        planted.nonce,
    )
    assert {
        (each.contract_address, each.name, each.symbol, each.decimals, each.balance_raw)
        for each in found.tokens or []
    } == {
        (coin.address, coin.name, coin.symbol, coin.decimals, str(coin.balance_raw))
        for coin in planted.coins
    }
    assert [each.contract_address for each in found.past_tokens or []] == [planted.former_coin]
    assert found.totals.tokens_held == len(planted.coins)


async def test_every_balance_is_explained_by_the_transfers_and_wraps(
    anvil_url: str, scenario: Scenario, snapshot: Snapshot
) -> None:
    report, _ = await snapshot(anvil_url, scenario.wallet.address)
    found = report.result

    assert {each.unexplained_raw for each in found.tokens or []} == {"0"}
    weth = scenario.addresses["weth"]
    assert [(wrap.contract_address, wrap.kind) for wrap in found.wraps or []] == [
        (weth, "unwrap"),
        (weth, "wrap"),
    ]


async def test_a_fixed_size_symbol_is_read_and_said_to_be_one(
    anvil_url: str, scenario: Scenario, snapshot: Snapshot
) -> None:
    report, _ = await snapshot(anvil_url, scenario.wallet.address, includeTransactions=False)

    statuses = {each.contract_address: each.metadata_status for each in report.result.tokens or []}

    assert statuses.pop(scenario.addresses["bytes32_coin"]) == "bytes32"
    assert set(statuses.values()) == {"ok"}


async def test_nfts_are_those_that_were_planted_and_not_the_one_passed_on(
    anvil_url: str, scenario: Scenario, snapshot: Snapshot
) -> None:
    planted = scenario.wallet

    report, _ = await snapshot(anvil_url, planted.address)
    found = report.result

    assert {
        (each.contract_address, each.standard, each.token_id, each.balance_raw)
        for each in found.nfts or []
    } == {(nft.address, nft.standard, str(nft.token_id), str(nft.quantity)) for nft in planted.nfts}
    assert str(planted.passed_on_token_id) not in {
        each.token_id for each in found.nfts or [] if each.standard == "erc721"
    }
    assert found.disputed_nfts == []
    assert {each.contract_address: each.owned_count for each in found.nft_collections or []} == (
        Counter(nft.address for nft in planted.nfts)
    )


async def test_transfers_have_the_planted_directions_and_transactions(
    anvil_url: str, scenario: Scenario, snapshot: Snapshot
) -> None:
    planted = scenario.wallet

    report, _ = await snapshot(anvil_url, planted.address)
    transfers = report.result.token_transfers or []
    transactions = report.result.transactions

    def per_contract(direction: str) -> dict[str, int]:
        return Counter(each.contract_address for each in transfers if each.direction == direction)

    assert per_contract("in") == planted.transfers_in
    assert per_contract("out") == planted.transfers_out
    positions = [(each.block_number, each.log_index, each.batch_index) for each in transfers]
    assert positions == sorted(positions, reverse=True)
    assert transactions is not None
    assert {each.tx_hash for each in transfers} <= {each.hash for each in transactions.items}
    assert transactions.completeness.status == "complete"
    assert transactions.sent_listed == transactions.sent_total == planted.nonce


async def test_the_planted_poisoning_is_found_and_nothing_else(
    anvil_url: str, scenario: Scenario, snapshot: Snapshot
) -> None:
    planted = scenario.wallet

    report, _ = await snapshot(anvil_url, planted.address)
    found = report.result

    suspects = [each for each in found.token_transfers or [] if each.poisoning_suspect]
    assert {each.tx_hash for each in suspects} == set(planted.poisoning_tx_hashes)
    assert all(
        [reason.code for reason in each.poisoning_reasons]
        == ["zero_value_not_sent_by_owner", "look_alike_address"]
        for each in suspects
    )
    [alert] = report.alerts
    assert alert.type == "ADDRESS_POISONING"
    assert planted.look_alike in alert.title
    assert planted.imitated in alert.title
    counterparties = {each.address for each in found.counterparties or []}
    assert planted.imitated in counterparties
    assert planted.look_alike not in counterparties


@pytest.mark.parametrize(
    ("switched_off", "methods_left_out"),
    [
        ({"includeTransactions": False}, {"eth_getTransactionByHash"}),
        (
            {"includeTransactions": False, "includeTokenBalances": False, "includeNFTs": False},
            {"eth_getTransactionByHash", "eth_getLogs", "eth_call"},
        ),
    ],
)
async def test_what_is_switched_off_is_not_asked_of_the_node(
    anvil_url: str,
    scenario: Scenario,
    snapshot: Snapshot,
    switched_off: dict[str, Any],
    methods_left_out: set[str],
) -> None:
    _, everything = await snapshot(anvil_url, scenario.wallet.address)
    report, reduced = await snapshot(anvil_url, scenario.wallet.address, **switched_off)

    assert methods_left_out <= everything.by_method.keys()
    assert not methods_left_out & reduced.by_method.keys()
    assert report.result.native.balance_raw == str(scenario.wallet.native_wei)


async def test_a_snapshot_of_few_assets_takes_few_requests(
    anvil_url: str, scenario: Scenario, snapshot: Snapshot
) -> None:
    _, stats = await snapshot(anvil_url, scenario.wallet.address)

    assert stats.requests - stats.by_method["eth_getLogs"] <= 20


async def test_balances_of_other_holders_are_right_too(
    anvil_url: str, scenario: Scenario, snapshot: Snapshot
) -> None:
    for whale in scenario.flow.whales[:3]:
        report, _ = await snapshot(anvil_url, whale.address, includeTransactions=False)
        balances = {each.contract_address: each.balance_raw for each in report.result.tokens or []}

        assert balances[scenario.flow.address] == str(whale.balance_raw)
