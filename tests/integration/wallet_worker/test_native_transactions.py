"""Transactions that moved no token: every source finds them, and says what it cannot see."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot
from common.chain.types import RpcStats
from common.results.wallet_snapshot import WalletTransactions
from local_chain.scenario import Scenario

if TYPE_CHECKING:
    from tests.integration.stage import Stage

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]
Refusing = Callable[..., Awaitable[str]]
Stored = Callable[..., dict[str, Any]]

OTS, TRACES = "ots_searchTransactionsBefore", "trace_filter"
UNKNOWN_METHOD = {"code": -32601, "message": "Method not found"}
WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
SOMEBODY = "0x" + "51" * 20
ETHER = 10**18


def listed(report: Report[WalletSnapshot]) -> WalletTransactions:
    assert report.result.transactions is not None
    return report.result.transactions


def own(transactions: WalletTransactions) -> set[str]:
    return {each.hash for each in transactions.items if each.direction != "other"}


@pytest.mark.parametrize(
    ("refused", "source", "reasons"),
    [
        ((), "ots_search", []),
        ((OTS,), "trace_filter", []),
        ((OTS, TRACES), "state_bisection", ["valueless_not_searched"]),
    ],
)
async def test_every_source_finds_all_the_wallet_sent_and_was_paid(
    anvil_url: str,
    scenario: Scenario,
    snapshot: Snapshot,
    refusing: Refusing,
    refused: tuple[str, ...],
    source: str,
    reasons: list[str],
) -> None:
    url = await refusing(refused, UNKNOWN_METHOD)

    report, _ = await snapshot(url, scenario.wallet.address, nativeSearchCalls=5_000)
    without, _ = await snapshot(anvil_url, scenario.wallet.address, nativeSearchCalls=0)
    found = listed(report)

    assert found.source == source
    assert [reason.code for reason in found.completeness.reasons] == reasons
    assert found.sent_listed == scenario.wallet.nonce
    assert own(found) > own(listed(without))
    assert listed(without).source == "token_transfer_logs"


async def test_without_old_states_the_newest_blocks_are_read_and_the_rest_is_said_to_be_missing(
    stage: "Stage", snapshot: Snapshot, refusing: Refusing
) -> None:
    stage.call("anvil_setBalance", SOMEBODY, hex(10 * ETHER))
    old = stage.pay(SOMEBODY, WALLET, ETHER)
    stage.finish()
    recent = stage.pay(SOMEBODY, WALLET, ETHER)
    stage.call("anvil_mine", hex(5))
    url = await refusing((OTS, TRACES), UNKNOWN_METHOD, stage.url)

    report, _ = await snapshot(url, WALLET, nativeSearchCalls=2)
    found = listed(report)

    assert found.source == "recent_blocks"
    assert own(found) == {recent}
    assert old != recent
    assert [reason.code for reason in found.completeness.reasons] == ["older_not_searched"]


async def test_a_search_that_has_spent_its_calls_lists_the_newest_and_says_from_where(
    stage: "Stage", snapshot: Snapshot, refusing: Refusing
) -> None:
    stage.call("anvil_setBalance", SOMEBODY, hex(100 * ETHER))
    paid = []
    for _ in range(12):
        paid.append(stage.pay(SOMEBODY, WALLET, 1))
        stage.call("anvil_mine", hex(30))
    url = await refusing((OTS, TRACES), UNKNOWN_METHOD, stage.url)

    report, stats = await snapshot(url, WALLET, nativeSearchCalls=200)
    found = listed(report)

    assert 0 < len(found.items) < len(paid)
    assert found.items[0].hash == paid[-1]
    assert {each.hash for each in found.items} < set(paid)
    assert "older_not_searched" in [reason.code for reason in found.completeness.reasons]
    assert stats.by_method["eth_getBalance"] + stats.by_method["eth_getTransactionCount"] <= 202


@pytest.mark.parametrize("refused", [(), (OTS, TRACES)])
async def test_payments_and_fees_explain_the_native_coin_between_two_snapshots(
    stage: "Stage",
    snapshot: Snapshot,
    stored: Stored,
    refusing: Refusing,
    refused: tuple[str, ...],
) -> None:
    url = await refusing(refused, UNKNOWN_METHOD, stage.url)
    for account in (WALLET, SOMEBODY):
        stage.call("anvil_setBalance", account, hex(10 * ETHER))
    stage.finish()
    first, _ = await snapshot(url, WALLET)

    stage.pay(SOMEBODY, WALLET, 2 * ETHER)
    stage.pay(WALLET, SOMEBODY, ETHER)
    refused_contract = stage.place_contract("60006000fd")
    failed = stage.pay(WALLET, refused_contract, ETHER, gas="0x186a0")
    stage.finish()
    second, _ = await snapshot(url, WALLET, previous=stored(first, stage.url))

    changes = second.result.changes_since_previous
    assert changes is not None
    [native] = changes.assets
    assert (native.kind, native.in_raw) == ("native", str(2 * ETHER))
    assert int(native.out_raw) == ETHER + int(listed(second).fees_paid_raw)
    assert (native.unexplained_raw, native.reason) == ("0", None)
    assert {each.hash: each.status for each in listed(second).items}[failed] == "failed"


async def test_coin_that_came_without_a_transaction_is_shown_as_unexplained(
    stage: "Stage", snapshot: Snapshot, stored: Stored
) -> None:
    stage.finish()
    first, _ = await snapshot(stage.url, WALLET)
    stage.call("evm_mine")
    stage.call("anvil_setBalance", WALLET, hex(3 * ETHER))  # as a validator's withdrawal does
    stage.finish()

    second, _ = await snapshot(stage.url, WALLET, previous=stored(first, stage.url))

    changes = second.result.changes_since_previous
    assert changes is not None
    [native] = changes.assets
    assert (native.unexplained_raw, native.reason) == (str(3 * ETHER), "no_transaction")
    assert [alert.type for alert in second.alerts] == ["UNEXPLAINED_BALANCE"]
