"""Native coin that moved otherwise than as the value of a transaction: found and named."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot
from common.chain.types import RpcStats
from common.results.wallet_changes import AssetChange
from common.results.wallet_snapshot import NativePayment, WalletTransactions

if TYPE_CHECKING:
    from tests.integration.stage import Stage

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]
Refusing = Callable[..., Awaitable[str]]
Between = Callable[..., Awaitable[str]]
Stored = Callable[..., dict[str, Any]]

OTS, TRACES = "ots_searchTransactionsBefore", "trace_filter"
OPERATIONS, BLOCK, DEBUG = "ots_getInternalOperations", "trace_block", "debug_traceBlockByNumber"
UNKNOWN_METHOD = {"code": -32601, "message": "Method not found"}
WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
SOMEBODY = "0x" + "51" * 20
VALIDATORS = "0x" + "07" * 20
ETHER = 10**18

PASSES_ON = f"60006000600060003473{WALLET[2:]}5af100"
"""Code that pays what it is paid to the wallet."""


def listed(report: Report[WalletSnapshot]) -> WalletTransactions:
    assert report.result.transactions is not None
    return report.result.transactions


def native_change(report: Report[WalletSnapshot]) -> AssetChange:
    changes = report.result.changes_since_previous
    assert changes is not None
    assert changes.assets[0].kind == "native"
    return changes.assets[0]


@pytest.fixture
def payer(stage: "Stage") -> str:
    """Return a contract that pays what it is paid to the wallet, on a chain that has begun."""
    stage.call("anvil_setBalance", SOMEBODY, hex(100 * ETHER))
    contract = f"0x{0xBA1D:040x}"
    stage.call("anvil_setCode", contract, "0x" + PASSES_ON)
    stage.pay(SOMEBODY, WALLET, ETHER)
    stage.finish()
    return contract


@pytest.mark.parametrize(
    ("refused", "asked"),
    [
        ((), OPERATIONS),
        ((OPERATIONS,), BLOCK),
        ((OPERATIONS, BLOCK), DEBUG),
        ((OTS,), TRACES),
        ((OTS, TRACES), BLOCK),
    ],
)
async def test_a_payment_from_inside_a_transaction_explains_the_balance(
    stage: "Stage",
    payer: str,
    snapshot: Snapshot,
    stored: Stored,
    refusing: Refusing,
    refused: tuple[str, ...],
    asked: str,
) -> None:
    url = await refusing(refused, UNKNOWN_METHOD, stage.url)
    first, _ = await snapshot(url, WALLET)
    stage.call("anvil_mine", hex(40))
    digest = stage.pay(SOMEBODY, payer, 2 * ETHER)
    stage.pay(SOMEBODY, WALLET, 5 * ETHER)
    stage.finish()

    second, stats = await snapshot(url, WALLET, previous=stored(first, stage.url))
    third, idle = await snapshot(url, WALLET, previous=stored(second, stage.url))

    change = native_change(second)
    assert (change.in_raw, change.unexplained_raw, change.reason) == (str(7 * ETHER), "0", None)
    [payment] = listed(second).payments
    assert (payment.kind, payment.tx_hash, payment.sender) == ("internal", digest, payer)
    assert (payment.direction, payment.value) == ("in", "2")
    assert asked in stats.by_method
    assert "UNEXPLAINED_BALANCE" not in [alert.type for alert in second.alerts]
    assert listed(third).payments == listed(second).payments
    assert not {OPERATIONS, BLOCK, DEBUG, TRACES} & set(idle.by_method)


async def test_where_nobody_traces_the_payment_is_shown_as_unexplained(
    stage: "Stage", payer: str, snapshot: Snapshot, stored: Stored, refusing: Refusing
) -> None:
    url = await refusing((OPERATIONS, BLOCK, DEBUG), UNKNOWN_METHOD, stage.url)
    first, _ = await snapshot(url, WALLET)
    stage.pay(SOMEBODY, payer, 2 * ETHER)
    stage.finish()

    second, _ = await snapshot(url, WALLET, previous=stored(first, stage.url))

    change = native_change(second)
    assert (change.unexplained_raw, change.reason) == (str(2 * ETHER), "no_transaction")
    assert "UNEXPLAINED_BALANCE" in [alert.type for alert in second.alerts]


async def test_a_payment_that_was_undone_is_none(
    stage: "Stage", payer: str, snapshot: Snapshot, stored: Stored
) -> None:
    # calls the payer with all it is paid, then reverts
    undoes = f"0x60006000600060003473{payer[2:]}5af160006000fd"
    contract = f"0x{0xBAD:040x}"
    stage.call("anvil_setCode", contract, undoes)
    first, _ = await snapshot(stage.url, WALLET)
    stage.pay(SOMEBODY, contract, 2 * ETHER, gas="0x30d40")
    stage.pay(SOMEBODY, payer, ETHER)
    stage.finish()

    second, _ = await snapshot(stage.url, WALLET, previous=stored(first, stage.url))

    assert [each.value for each in listed(second).payments] == ["1"]
    assert native_change(second).unexplained_raw == "0"


async def test_a_withdrawal_of_a_validator_is_read_from_the_header(
    stage: "Stage", payer: str, snapshot: Snapshot, stored: Stored, between: Between
) -> None:
    first, _ = await snapshot(stage.url, WALLET)
    stage.call("anvil_mine", hex(20))
    number = stage.call("eth_blockNumber")
    stage.call("anvil_setBalance", WALLET, hex(4 * ETHER))  # had 1; changes the newest block
    stage.call("evm_mine")
    stage.pay(SOMEBODY, payer, ETHER)
    stage.finish()

    def with_withdrawals(call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if call["method"] == "eth_getBlockByNumber" and answer["result"]["number"] == number:
            block, gwei = answer["result"], 3 * 10**9
            block["withdrawals"] = [
                {"index": "0x1", "validatorIndex": "0x2", "address": VALIDATORS, "amount": "0x5"},
                {"index": "0x2", "validatorIndex": "0x2", "address": WALLET, "amount": hex(gwei)},
            ]
        return answer

    url = await between(with_withdrawals, stage.url)
    second, _ = await snapshot(url, WALLET, previous=stored(first, stage.url))

    assert [shown(each) for each in listed(second).payments] == [
        ("internal", "1"),
        ("withdrawal", "3"),
    ]
    assert native_change(second).unexplained_raw == "0"


def shown(payment: NativePayment) -> tuple[str, str]:
    return payment.kind, payment.value


async def test_the_fees_of_a_block_that_the_wallet_made_are_its_reward(
    stage: "Stage", payer: str, snapshot: Snapshot, stored: Stored
) -> None:
    first, _ = await snapshot(stage.url, WALLET)
    stage.call("anvil_setCoinbase", WALLET)
    tip = {"maxPriorityFeePerGas": hex(10**9), "maxFeePerGas": hex(10**12)}
    stage.pay(SOMEBODY, SOMEBODY, 1, **tip)
    stage.call("anvil_setCoinbase", "0x" + "00" * 20)
    stage.finish()

    second, _ = await snapshot(stage.url, WALLET, previous=stored(first, stage.url))

    [payment] = listed(second).payments
    assert (payment.kind, payment.value_raw) == ("block_reward", str(21_000 * 10**9))
    assert native_change(second).unexplained_raw == "0"


async def test_an_unwrap_that_is_traced_counts_once(
    stage: "Stage", payer: str, snapshot: Snapshot, stored: Stored, refusing: Refusing
) -> None:
    # logs Withdrawal(wallet, callvalue) as WETH9 does, answers 18 to calls without value, pays
    withdrawal = "7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65"
    logs = f"3460005273{WALLET[2:]}7f{withdrawal}60206000a2"
    body, answers = logs + PASSES_ON, "5b601260005260206000f3"
    wrapper = f"0x{0x4E7B:040x}"
    stage.call("anvil_setCode", wrapper, f"0x341561{6 + len(body) // 2:04x}57{body}{answers}")
    url = await refusing((OTS,), UNKNOWN_METHOD, stage.url)
    first, _ = await snapshot(url, WALLET)
    stage.pay(SOMEBODY, wrapper, 3 * ETHER)
    stage.finish()

    second, _ = await snapshot(url, WALLET, previous=stored(first, stage.url))

    assert [each.value for each in listed(second).payments] == ["3"]
    assert len(second.result.wraps or []) == 1
    assert (native_change(second).in_raw, native_change(second).unexplained_raw) == (
        str(3 * ETHER),
        "0",
    )
