import json
from datetime import UTC, datetime

import pytest

from local_chain.addresses import (
    BYTES32_COIN,
    EDITIONS,
    FLOW,
    FORMER_COIN,
    STABLE,
    WETH,
)
from local_chain.execution import Executed, first_traffic_hour
from local_chain.facts import Scenario
from local_chain.ledger import Ledger
from local_chain.nft_facts import describe_collection
from local_chain.scenario import describe
from local_chain.wallet_facts import describe_wallet


@pytest.fixture(scope="module")
def scenario(executed: list[Executed], ledger: Ledger, end_time: datetime) -> Scenario:
    return describe(executed, ledger, first_traffic_hour(end_time), end_time)


def test_facts_survive_a_trip_through_json(scenario: Scenario) -> None:
    assert Scenario.from_json(scenario.to_json()) == scenario


def test_facts_of_another_schema_version_are_refused(scenario: Scenario) -> None:
    other = {**json.loads(scenario.to_json()), "schema_version": 0}

    with pytest.raises(ValueError, match="schema version 0: expected 1"):
        Scenario.from_json(json.dumps(other))


def test_the_scenario_names_its_time_span(scenario: Scenario, end_time: datetime) -> None:
    assert scenario.started_at == datetime(2026, 2, 26, 12, tzinfo=UTC)
    assert scenario.ended_at == end_time
    assert scenario.head_block == scenario.last_traffic_block + 3


def test_the_wallet_holds_some_of_each(executed: list[Executed], ledger: Ledger) -> None:
    wallet = describe_wallet(executed, ledger)

    assert {coin.address for coin in wallet.coins} == {FLOW, STABLE, BYTES32_COIN, WETH}
    assert {coin.symbol for coin in wallet.coins} == {"FLOW", "USDL", "OGEM", "WETH"}
    assert {nft.standard for nft in wallet.nfts} == {"erc721", "erc1155"}
    assert wallet.native_wei > 0
    for contract in (FLOW, STABLE, FORMER_COIN):
        assert wallet.transfers_in[contract] > 0
        assert wallet.transfers_out[contract] > 0
    assert (wallet.look_alike[:6], wallet.look_alike[-4:]) == (
        wallet.imitated[:6],
        wallet.imitated[-4:],
    )
    assert len(wallet.poisoning_tx_hashes) == 2


def test_editions_include_batches_with_a_repeated_id_and_trades_both_ways(
    executed: list[Executed], ledger: Ledger
) -> None:
    editions = describe_collection(EDITIONS, executed, ledger)

    batches = [
        [movement.token_id for movement in each.transaction.movements]
        for each in executed
        if any(m.event == "TransferBatch" for m in each.transaction.movements)
    ]
    assert any(len(set(ids)) < len(ids) for ids in batches)
    pairs = [(sale.seller, sale.buyer) for sale in editions.sales]
    assert len(pairs) == 3
    assert pairs[0] == tuple(reversed(pairs[1]))
    assert editions.honest_sales == editions.sales
    assert editions.planted == ()
    assert editions.mint_burst is None
