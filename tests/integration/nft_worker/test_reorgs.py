"""A reorg of the real node between two runs: nothing kept of the abandoned fork is believed."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from common.actions.handler import Report
from common.chain.types import RpcStats
from common.results.nft_movements import NftMovementAnalysis
from local_chain.addresses import COLLECTION
from local_chain.nft_actions import buy_nft, transfer_nft
from local_chain.node import Node
from nft_worker.movement_index import COVERAGE
from tests.integration.nft_worker.trading_chain import (
    ALICE,
    BOB,
    CAROL,
    ETHER,
    EVERYBODY_HAS_ONE,
    Blocks,
    TradingChain,
)
from tests.integration.stage import Stage

Analysis = Callable[..., Awaitable[tuple[Report[NftMovementAnalysis], RpcStats]]]
Database = AsyncDatabase[dict[str, Any]]

COMMON: Blocks = (*EVERYBODY_HAS_ONE, [buy_nft(BOB, ALICE, 0, ETHER)])
ABANDONED: Blocks = ([buy_nft(ALICE, BOB, 0, ETHER)], [buy_nft(BOB, CAROL, 2, 2 * ETHER)])

ALL_ELSE: Blocks = ([transfer_nft(BOB, CAROL, 0)], [buy_nft(CAROL, BOB, 1, 3 * ETHER)])
LATER: Blocks = ([], *ABANDONED)
FEWER: Blocks = ABANDONED[:1]
SAME_END: Blocks = ([buy_nft(CAROL, BOB, 0, 5 * ETHER)], ABANDONED[1])
"""The newest block holds the very same transaction, the one below another."""


@pytest.mark.parametrize("ended", ["after telling what it covers", "before"])
@pytest.mark.parametrize(
    "replacement",
    [ALL_ELSE, LATER, FEWER, SAME_END],
    ids=["other blocks", "the same later", "fewer", "the same newest block"],
)
async def test_after_a_reorg_a_recurring_run_is_one_from_scratch(
    stage: Stage, analysis: Analysis, database: Database, replacement: Blocks, ended: str
) -> None:
    with Node(stage.url) as node:
        chain = TradingChain(node)
        chain.add(COMMON, 1)
        first, _ = await analysis(stage.url, COLLECTION)
        told = await database[COVERAGE].find_one()
        assert told is not None
        snapshot = node.call("evm_snapshot")
        chain.add(ABANDONED, 10)
        abandoned, _ = await analysis(stage.url, COLLECTION)
        if ended == "before":  # killed when its transactions were kept and nothing else
            await database[COVERAGE].replace_one({"_id": told["_id"]}, told)
        assert node.call("evm_revert", snapshot)
        chain.add(replacement, 10)
        node.call("anvil_mine", "0x5")  # the new fork is longer
    recurring, _ = await analysis(stage.url, COLLECTION)
    for name in await database.list_collection_names():
        await database.drop_collection(name)
    scratch, _ = await analysis(stage.url, COLLECTION)

    assert recurring == scratch
    moved = [each.summary.transfer_count for each in (first.result, abandoned.result)]
    assert moved == [4, 6]
    replaced = sum(map(len, replacement))
    assert recurring.result.summary.transfer_count == 4 + replaced
    assert recurring.result != abandoned.result
