"""Recurring runs: what was kept is not read again, and the result is that of a run from scratch."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from common.actions.handler import Report
from common.chain.types import RpcStats
from common.results.nft_movements import NftMovementAnalysis
from local_chain.node import Node
from local_chain.scenario import Scenario
from nft_worker.movement_index import COVERAGE, TRANSACTIONS

Analysis = Callable[..., Awaitable[tuple[Report[NftMovementAnalysis], RpcStats]]]
Database = AsyncDatabase[dict[str, Any]]


async def forget_above(anvil_url: str, database: Database, block: int) -> None:
    """Leave in the index what a run at `block` would have left."""
    with Node(anvil_url) as node:
        last_hash = node.call("eth_getBlockByNumber", hex(block), False)["hash"]
    await database[TRANSACTIONS].delete_many({"block": {"$gt": block}})
    await database[COVERAGE].update_many({}, {"$set": {"lastBlock": block, "lastHash": last_hash}})


@pytest.mark.parametrize("kept_part", [0.0, 0.3, 0.6, 0.95, 1.0])
@pytest.mark.parametrize("options", [{}, {"transferLimit": 120}, {"fromBlock": 40}])
async def test_an_incremental_run_equals_one_from_scratch(
    anvil_url: str,
    scenario: Scenario,
    analysis: Analysis,
    database: Database,
    kept_part: float,
    options: dict[str, Any],
) -> None:
    scratch, _ = await analysis(anvil_url, scenario.collection.address, **options)
    window = scratch.result.window
    blocks = window.to_block - window.from_block
    await forget_above(anvil_url, database, window.from_block + round(blocks * kept_part))

    again, _ = await analysis(anvil_url, scenario.collection.address, **options)

    assert again.result == scratch.result
    assert again.alerts == scratch.alerts


async def test_what_was_kept_is_not_read_again(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    _, first = await analysis(anvil_url, scenario.collection.address)
    _, second = await analysis(anvil_url, scenario.collection.address)

    assert first.by_method["eth_getTransactionByHash"] > 50
    assert second.by_method.get("eth_getTransactionByHash", 0) == 0
    assert second.logs_fetched < first.logs_fetched / 10


async def test_what_an_interrupted_run_kept_is_replaced_by_what_the_next_one_reads(
    anvil_url: str, scenario: Scenario, analysis: Analysis, database: Database
) -> None:
    first, _ = await analysis(anvil_url, scenario.collection.address)
    await database[COVERAGE].delete_many({})  # it ended before it told what it had kept
    missing = await database[TRANSACTIONS].find_one(sort=[("_id", 1)])
    assert missing is not None
    await database[TRANSACTIONS].delete_one({"_id": missing["_id"]})
    await database[TRANSACTIONS].update_many({}, {"$set": {"hash": "0x" + "ab" * 32}})

    again, _ = await analysis(anvil_url, scenario.collection.address)

    assert again.result == first.result
    assert await database[TRANSACTIONS].find_one({"hash": "0x" + "ab" * 32}) is None
    assert await database[TRANSACTIONS].find_one({"_id": missing["_id"]}) == missing


async def test_a_ring_that_closes_in_the_window_is_found_by_its_kept_beginning(
    anvil_url: str, scenario: Scenario, analysis: Analysis
) -> None:
    whole, _ = await analysis(anvil_url, scenario.collection.address)
    [planted] = scenario.collection.planted_of("ring")
    [closing] = [
        sale for sale in whole.result.sales if sale.transaction_hash == planted.tx_hashes[-1]
    ]

    part, _ = await analysis(anvil_url, scenario.collection.address, fromBlock=closing.block_number)

    [ring] = [
        pattern
        for pattern in part.result.suspicious_patterns
        if pattern.type == "closed_cycle" and pattern.token_ids == [str(planted.token_id)]
    ]
    assert set(ring.transaction_hashes) == set(planted.tx_hashes)
    assert planted.tx_hashes[0] not in {move.transaction_hash for move in part.result.transfers}
