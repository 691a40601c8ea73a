"""Reads the seeded chain back and compares it with the plan and the facts drawn from it."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from local_chain.addresses import (
    BYTES32_COIN,
    COLLECTION,
    CONTRACTS,
    EDITIONS,
    FLOW,
    FORMER_COIN,
    MULTICALL3,
    STABLE,
    VAULT,
    WALLET,
    WETH,
)
from local_chain.contracts import load_contract, multicall3_runtime_code
from local_chain.ledger import Ledger
from local_chain.node import Node
from local_chain.plan import NATIVE, Event, Plan
from local_chain.scenario import Scenario, make_plan

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
BATCH = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"
DEPOSIT = "0xe1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c"
WITHDRAWAL = "0x7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65"

Moved = tuple[str, str, str, str, int, int | None]  # event, asset, sender, receiver, amount, id
ZERO = "0x" + "0" * 40


@pytest.fixture(scope="module")
def node(anvil_url: str, scenario: Scenario) -> Iterator[Node]:
    assert scenario.chain_id == 31337
    with Node(anvil_url) as connected:
        yield connected


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan()


@pytest.fixture(scope="module")
def ledger(plan: Plan) -> Ledger:
    return Ledger.after(plan)


@pytest.fixture(scope="module")
def logs(node: Node, scenario: Scenario) -> list[dict[str, Any]]:
    topics = [[TRANSFER, SINGLE, BATCH, DEPOSIT, WITHDRAWAL]]
    window = {"fromBlock": "0x0", "toBlock": hex(scenario.head_block), "topics": topics}
    found: list[dict[str, Any]] = node.call("eth_getLogs", window)
    return found


def decode(log: dict[str, Any]) -> Iterator[Moved]:
    """Read the movements out of one log, by the standards' layouts."""
    asset, topics, data = log["address"], log["topics"], log["data"].removeprefix("0x")
    addresses = ["0x" + topic[-40:] for topic in topics[1:]]
    words = [int(data[at : at + 64], 16) for at in range(0, len(data), 64)]
    match topics[0]:
        case str(topic) if topic == TRANSFER and len(topics) == 4:
            yield "Transfer", asset, addresses[0], addresses[1], 1, int(topics[3], 16)
        case str(topic) if topic == TRANSFER:
            yield "Transfer", asset, addresses[0], addresses[1], words[0], None
        case str(topic) if topic == SINGLE:
            yield "TransferSingle", asset, addresses[1], addresses[2], words[1], words[0]
        case str(topic) if topic == BATCH:
            ids = words[words[0] // 32 + 1 :][: words[words[0] // 32]]
            amounts = words[words[1] // 32 + 1 :][: words[words[1] // 32]]
            for token_id, amount in zip(ids, amounts, strict=True):
                yield "TransferBatch", asset, addresses[1], addresses[2], amount, token_id
        case str(topic) if topic == DEPOSIT:
            yield "Deposit", asset, ZERO, addresses[0], words[0], None
        case _:
            yield "Withdrawal", asset, addresses[0], ZERO, words[0], None


def test_the_logs_show_exactly_the_planned_movements_in_order(
    logs: list[dict[str, Any]], plan: Plan
) -> None:
    shown = [moved for log in logs for moved in decode(log)]
    planned = [
        (str(m.event), m.asset, m.sender, m.receiver, m.amount, m.token_id)
        for each in plan.transactions()
        for m in each.movements
        if m.event is not Event.NONE
    ]

    assert shown == planned


def test_every_balance_is_what_the_plan_leaves(
    node: Node, scenario: Scenario, ledger: Ledger
) -> None:
    coins = (FLOW, STABLE, FORMER_COIN, BYTES32_COIN, WETH)
    questions = [(coin, holder) for coin in coins for holder in ledger.holders(coin)]
    calls = [(coin, load_contract("token").encode_call("balanceOf", h)) for coin, h in questions]

    assert read_numbers(node, scenario, calls) == [ledger.balance(*each) for each in questions]

    supplies = [(coin, load_contract("token").encode_call("totalSupply")) for coin in coins]
    assert read_numbers(node, scenario, supplies) == [ledger.total_supply(coin) for coin in coins]


def test_every_nft_belongs_to_whom_the_plan_leaves_it(
    node: Node, scenario: Scenario, ledger: Ledger
) -> None:
    ids = list(ledger.token_ids(COLLECTION))
    contract = load_contract("collection")
    calls = [(COLLECTION, contract.encode_call("ownerOf", token_id)) for token_id in ids]
    owners = [f"0x{owner:040x}" for owner in read_numbers(node, scenario, calls)]

    assert [[owner] for owner in owners] == [list(ledger.holders(COLLECTION, i)) for i in ids]
    (supply,) = read_numbers(node, scenario, [(COLLECTION, contract.encode_call("totalSupply"))])
    assert supply == len(ids) == scenario.collection.total_supply


def test_every_edition_balance_is_what_the_plan_leaves(
    node: Node, scenario: Scenario, ledger: Ledger
) -> None:
    held = [
        (holder, token_id, balance)
        for token_id in ledger.token_ids(EDITIONS)
        for holder, balance in ledger.holders(EDITIONS, token_id).items()
    ]
    contract = load_contract("editions")
    calls = [(EDITIONS, contract.encode_call("balanceOf", holder, i)) for holder, i, _ in held]

    assert read_numbers(node, scenario, calls) == [balance for *_, balance in held]


def test_the_wallet_is_as_the_facts_say(node: Node, scenario: Scenario, ledger: Ledger) -> None:
    wallet, block = scenario.wallet, hex(scenario.head_block)

    balance, nonce = node.batch(
        [("eth_getBalance", [WALLET, block]), ("eth_getTransactionCount", [WALLET, block])]
    )
    assert (int(balance, 16), int(nonce, 16)) == (wallet.native_wei, wallet.nonce)
    assert int(balance, 16) == ledger.balance(NATIVE, WALLET)
    for coin in (*wallet.coins,):
        call = (coin.address, load_contract("token").encode_call("balanceOf", WALLET))
        assert read_numbers(node, scenario, [call]) == [coin.balance_raw]


def test_facts_point_at_transactions_that_exist_and_succeeded(
    node: Node, scenario: Scenario
) -> None:
    collection = scenario.collection
    assert collection.mint_burst is not None
    hashes = [
        *(transfer.tx_hash for transfer in scenario.flow.large_transfers),
        *(tx_hash for planted in collection.planted for tx_hash in planted.tx_hashes),
        *(sale.tx_hash for sale in (*collection.sales, *scenario.editions.sales)),
        *collection.mint_burst.tx_hashes,
        *scenario.wallet.poisoning_tx_hashes,
    ]
    receipts = node.batch([("eth_getTransactionReceipt", [tx_hash]) for tx_hash in hashes])

    assert {receipt["status"] for receipt in receipts} == {"0x1"}


def test_a_sale_shows_its_price_in_the_value_or_in_the_weth_leg(
    node: Node, scenario: Scenario
) -> None:
    for sale in scenario.collection.sales:
        transaction, receipt = node.batch(
            [
                ("eth_getTransactionByHash", [sale.tx_hash]),
                ("eth_getTransactionReceipt", [sale.tx_hash]),
            ]
        )
        legs = [
            (moved[2], moved[3], moved[4])
            for log in receipt["logs"]
            if log["address"] == WETH
            for moved in decode(log)
        ]
        if sale.currency == NATIVE:
            assert (transaction["from"], int(transaction["value"], 16), legs) == (
                sale.buyer,
                sale.price_wei,
                [],
            )
        else:
            assert sale.currency == WETH
            assert (int(transaction["value"], 16), legs) == (
                0,
                [(sale.buyer, sale.seller, sale.price_wei)],
            )


def test_blocks_follow_one_another_in_time_up_to_just_before_the_end(
    node: Node, scenario: Scenario
) -> None:
    numbers = range(scenario.head_block + 1)
    headers = node.batch([("eth_getBlockByNumber", [hex(number), False]) for number in numbers])
    times = [int(header["timestamp"], 16) for header in headers]

    assert all(earlier < later for earlier, later in pairwise(times))
    assert times[-1] == scenario.ended_at.timestamp() - 1
    counts = [len(header["transactions"]) for header in headers]
    assert sum(counts[scenario.first_block :]) == scenario.transaction_count
    assert counts[scenario.last_traffic_block] > 0
    assert sum(counts[scenario.last_traffic_block + 1 :]) == 0


def test_all_traffic_is_final(node: Node, scenario: Scenario) -> None:
    final = node.call("eth_getBlockByNumber", "finalized", False)

    assert int(final["number"], 16) >= scenario.last_traffic_block


def test_each_contract_has_code_and_none_is_creation_code(node: Node) -> None:
    for name, address in CONTRACTS.items():
        code = node.call("eth_getCode", address, "latest")
        assert len(code) > 1000, name
    assert node.call("eth_getCode", MULTICALL3, "latest") == multicall3_runtime_code()
    vault = node.call("eth_getCode", VAULT, "latest")
    assert bytes.fromhex(vault[2:]) in load_contract("vault").bytecode


def test_multicall3_answers(node: Node, scenario: Scenario) -> None:
    get_block_number = {"to": MULTICALL3, "data": "0x42cbb15c"}

    answer = node.call("eth_call", get_block_number, hex(scenario.head_block))

    assert int(answer, 16) == scenario.head_block


def test_a_symbol_is_a_string_or_the_bytes32_of_the_first_generation(node: Node) -> None:
    symbol = "0x95d89b41"
    text = bytes.fromhex(node.call("eth_call", {"to": FLOW, "data": symbol}, "latest")[2:])
    short = bytes.fromhex(node.call("eth_call", {"to": BYTES32_COIN, "data": symbol}, "latest")[2:])

    assert (text[:32], text[64:68], len(text)) == ((32).to_bytes(32, "big"), b"FLOW", 96)
    assert short == b"OGEM".ljust(32, b"\0")


def read_numbers(node: Node, scenario: Scenario, calls: list[tuple[str, bytes]]) -> list[int]:
    """Answers of contract calls at the head of the seeded chain, each as one number."""
    block = hex(scenario.head_block)
    answers = node.batch(
        [("eth_call", [{"to": to, "data": "0x" + data.hex()}, block]) for to, data in calls]
    )
    return [int(answer, 16) for answer in answers]
