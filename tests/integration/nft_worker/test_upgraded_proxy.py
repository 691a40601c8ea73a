"""A collection behind a proxy whose implementation is exchanged between its sales."""

from collections.abc import Awaitable, Callable
from typing import Any

from eth_utils.crypto import keccak
from pymongo.asynchronous.database import AsyncDatabase

from common.actions.handler import Report
from common.chain.types import RpcStats
from common.results.nft_movements import NftMovementAnalysis
from local_chain.addresses import COLLECTION, CREATOR, account
from local_chain.nft_actions import buy_nft, mint_nfts
from local_chain.node import Node
from local_chain.plan import Transaction
from nft_worker.analysis.code import IMPLEMENTATION_SLOT
from tests.integration.evm_code import dispatch, text
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

FIRST, SECOND = account("first implementation"), account("second implementation")
UPGRADED = keccak(text="Upgraded(address)").hex()
NAME = "06fdde03"  # name()

DELEGATE = "36600060003760006000366000{}5af43d600060003e"
"""Call another contract's code with the calldata, which is hex that pushes its address."""
PROXY = DELEGATE.format(f"7f{IMPLEMENTATION_SLOT}54")

BEFORE: Blocks = (*EVERYBODY_HAS_ONE, [buy_nft(BOB, ALICE, 0, ETHER)])
AFTER: Blocks = (
    [buy_nft(ALICE, BOB, 0, ETHER)],
    [buy_nft(CAROL, BOB, 1, 2 * ETHER)],
    [mint_nfts(CAROL, range(3, 4))],
)


def put_behind_proxy(node: Node) -> None:
    """Give the collection's code to the first implementation; what it stored stays where it is."""
    node.call("anvil_setCode", FIRST, node.call("eth_getCode", COLLECTION, "latest"))
    head, end = "3660201461{:04x}57", "61{:04x}573d6000fd5b3d6000f3"
    returns = len(head.format(0) + PROXY + end.format(0)) // 2
    upgrade = f"5b600035807f{IMPLEMENTATION_SLOT}557f{UPGRADED}60006000a200"
    code = head.format(returns) + PROXY + end.format(returns - 5) + upgrade
    node.call("anvil_setCode", COLLECTION, f"0x{code}")
    forward = DELEGATE.format(f"73{FIRST[2:]}") + "3d6000f3"
    renamed = dispatch({NAME: text(b"Upgraded Creatures")}, otherwise=forward, at=0)
    node.call("anvil_setCode", SECOND, f"0x{renamed}")


def upgrade_to(implementation: str) -> Transaction:
    """One word as the calldata: the proxy delegates to it from then on, and says so in a log."""
    return Transaction(CREATOR, COLLECTION, bytes.fromhex(implementation[2:].rjust(64, "0")))


async def test_an_upgrade_between_two_sales_hides_neither_and_is_no_movement(
    stage: Stage, analysis: Analysis
) -> None:
    with Node(stage.url) as node:
        chain = TradingChain(node)
        put_behind_proxy(node)
        chain.add(([upgrade_to(FIRST)], *BEFORE, [upgrade_to(SECOND)], *AFTER), 1)
    report, _ = await analysis(stage.url, COLLECTION)

    found = report.result
    assert (found.collection.is_proxy, found.collection.name) == (True, "Upgraded Creatures")
    assert (found.completeness.status, found.completeness.reasons) == ("complete", [])
    counts = found.summary
    assert (counts.transfer_count, counts.mint_count, counts.sale_count) == (7, 4, 3)
    assert counts.volume_by_currency[0].amount_raw == str(4 * ETHER)
    [swap] = [each for each in found.suspicious_patterns if each.type == "swap_back"]
    assert (swap.token_ids, set(swap.addresses)) == (["0"], {ALICE, BOB})
    assert {sale.token_id for sale in found.sales if sale.wash.flagged} == {"0"}
    assert found.holders.count == 2  # what the new implementation answers


async def test_a_recurring_run_reads_on_over_an_upgrade(
    stage: Stage, analysis: Analysis, database: Database
) -> None:
    with Node(stage.url) as node:
        chain = TradingChain(node)
        put_behind_proxy(node)
        chain.add(([upgrade_to(FIRST)], *BEFORE), 1)
        await analysis(stage.url, COLLECTION)
        chain.add(([upgrade_to(SECOND)], *AFTER), 100)
    recurring, _ = await analysis(stage.url, COLLECTION)
    for name in await database.list_collection_names():
        await database.drop_collection(name)
    scratch, _ = await analysis(stage.url, COLLECTION)

    # what a contract says of itself is read again after a while only
    renamed = scratch.result.collection
    assert recurring.result.model_copy(update={"collection": renamed}) == scratch.result
    assert recurring.alerts == scratch.alerts
