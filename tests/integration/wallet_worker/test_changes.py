"""Two snapshots of one wallet on a real node: what changed, and what explains it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot
from common.chain.transfers import TRANSFER
from common.chain.types import RpcStats
from common.results.wallet_changes import AssetChange

if TYPE_CHECKING:
    from tests.integration.stage import Stage

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]
Stored = Callable[..., dict[str, Any]]

WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
SOMEBODY = "0x" + "51" * 20
ETHER = 10**18


def always(word: int) -> str:
    """Code that answers every call, known or not, with one word."""
    return f"7f{word:064x}60005260206000f3"


def changes(report: Report[WalletSnapshot]) -> dict[str | None, AssetChange]:
    found = report.result.changes_since_previous
    assert found is not None
    return {each.contract_address: each for each in found.assets}


async def test_coins_are_reconciled_with_what_the_chain_logged_in_between(
    stage: "Stage", snapshot: Snapshot, stored: Stored
) -> None:
    honest = stage.place_contract(always(100))
    rebasing = stage.place_contract(always(50))
    taxed = stage.place_contract(always(0))
    for contract, amount in ((honest, 100), (rebasing, 50)):
        stage.log(contract, (TRANSFER, SOMEBODY, WALLET), amount)
    stage.finish()
    first, _ = await snapshot(stage.url, WALLET)

    stage.log(honest, (TRANSFER, WALLET, SOMEBODY), 40)
    stage.answer(honest, always(60))
    stage.answer(rebasing, always(51))
    stage.log(taxed, (TRANSFER, SOMEBODY, WALLET), 100)
    stage.answer(taxed, always(98))
    stage.finish()
    second, _ = await snapshot(stage.url, WALLET, previous=stored(first, stage.url))

    found = changes(second)
    assert found[honest].reason is None
    assert (found[honest].begin_raw, found[honest].out_raw, found[honest].end_raw) == (
        "100",
        "40",
        "60",
    )
    assert (found[rebasing].unexplained_raw, found[rebasing].reason) == ("1", "rebase")
    assert (found[taxed].unexplained_raw, found[taxed].reason) == ("-2", "fee_on_transfer")
    types = sorted(alert.type for alert in second.alerts)
    assert [each for each in types if each != "UNEXPLAINED_BALANCE"] == [
        "BALANCE_CHANGE",
        "NEW_TOKEN",
    ]


async def test_a_previous_snapshot_of_a_block_that_a_reorg_has_undone_is_not_compared(
    stage: "Stage", snapshot: Snapshot, stored: Stored
) -> None:
    stage.finish()
    first, _ = await snapshot(stage.url, WALLET)
    undone = stored(first, stage.url)
    undone["block"]["hash"] = "0x" + "99" * 32

    second, _ = await snapshot(stage.url, WALLET, previous=undone)

    assert second.result.changes_since_previous is None


async def test_fees_and_status_of_listed_transactions_come_from_their_receipts(
    stage: "Stage", snapshot: Snapshot
) -> None:
    contract = stage.place_contract(always(1))
    stage.log(contract, (TRANSFER, SOMEBODY, WALLET), 1)
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)

    assert report.result.transactions is not None
    [transaction] = report.result.transactions.items
    assert transaction.status == "success"
    assert transaction.gas_used is not None
    assert transaction.effective_gas_price_raw is not None
    assert int(transaction.fee_raw or 0) == transaction.gas_used * int(
        transaction.effective_gas_price_raw
    )
    assert report.result.transactions.fees_paid_raw == "0"
