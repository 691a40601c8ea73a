"""Balances, calls, tokens, transactions: what is read is what the node says, at one block."""

from typing import TYPE_CHECKING, Any

import pytest

from common.chain import abi
from common.chain.client import PinnedChain
from common.chain.errors import MissingState, TransactionNotFound
from common.chain.tokens import (
    fetch_collection_standard,
    fetch_erc20_balances,
    fetch_erc20_holders,
    fetch_erc721_owners,
    fetch_erc1155_balances,
    fetch_token_metadata,
    fetch_total_supply,
)
from common.chain.transfers import TRANSFER, decode_transfers
from common.chain.types import Address, LogFilter, TokenMetadata
from local_chain import addresses
from local_chain.node import Node
from local_chain.scenario import Scenario

if TYPE_CHECKING:
    from tests.integration.chain.conftest import Connect, FaultyNode

FLOW, WALLET = Address(addresses.FLOW), Address(addresses.WALLET)
COLLECTION, EDITIONS = Address(addresses.COLLECTION), Address(addresses.EDITIONS)
NOBODY = Address("0x" + "99" * 20)


async def test_an_account_is_read_at_the_pinned_block(
    truth: PinnedChain, scenario: Scenario, connect: "Connect", anvil_url: str
) -> None:
    assert await truth.fetch_balance(WALLET) == scenario.wallet.native_wei
    assert await truth.fetch_nonce(WALLET) == scenario.wallet.nonce
    assert await truth.fetch_code(WALLET) == "0x"
    assert len(await truth.fetch_code(FLOW)) > 100

    long_ago = await (await connect(anvil_url)).pin(at_block=0)
    assert await long_ago.fetch_nonce(WALLET) == 0


async def test_balances_of_many_tokens_are_those_that_were_planted(
    truth: PinnedChain, scenario: Scenario
) -> None:
    coins = {Address(coin.address): coin.balance_raw for coin in scenario.wallet.coins}
    balances = await fetch_erc20_balances(truth, WALLET, [*coins, NOBODY])

    assert balances == {**coins, NOBODY: None}


async def test_holders_of_one_token_are_those_that_were_planted(
    truth: PinnedChain, scenario: Scenario
) -> None:
    whales = {Address(whale.address): whale.balance_raw for whale in scenario.flow.whales}

    assert await fetch_erc20_holders(truth, FLOW, whales) == whales
    assert await fetch_total_supply(truth, FLOW) == scenario.flow.total_supply_raw
    assert await fetch_total_supply(truth, NOBODY) is None


async def test_nfts_and_editions_are_those_that_were_planted(
    truth: PinnedChain, scenario: Scenario
) -> None:
    owned = {(Address(n.address), n.token_id): n.quantity for n in scenario.wallet.nfts}
    nfts = [token for token in owned if token[0] == COLLECTION]
    editions = [token for token in owned if token[0] == EDITIONS]
    never_minted = (COLLECTION, 10**9)

    owners = await fetch_erc721_owners(truth, [*nfts, never_minted])
    assert owners == {**dict.fromkeys(nfts, WALLET), never_minted: None}
    balances = await fetch_erc1155_balances(truth, WALLET, [*editions, (EDITIONS, 10**9)])
    assert balances == {**{each: owned[each] for each in editions}, (EDITIONS, 10**9): 0}


async def test_metadata_is_read_for_every_kind_of_contract(
    truth: PinnedChain, scenario: Scenario
) -> None:
    old = Address(addresses.BYTES32_COIN)
    found = await fetch_token_metadata(truth, [FLOW, old, COLLECTION, NOBODY, FLOW])

    assert found[FLOW] == TokenMetadata(
        FLOW, scenario.flow.name, scenario.flow.symbol, scenario.flow.decimals, "ok"
    )
    assert found[old].status == "bytes32"
    assert found[COLLECTION].name
    assert (found[COLLECTION].decimals, found[COLLECTION].status) == (None, "missing")
    assert found[NOBODY] == TokenMetadata(NOBODY, None, None, None, "missing")
    assert len(found) == 4


async def test_a_collection_tells_its_standard(truth: PinnedChain) -> None:
    assert await fetch_collection_standard(truth, COLLECTION) == "erc721"
    assert await fetch_collection_standard(truth, EDITIONS) == "erc1155"
    assert await fetch_collection_standard(truth, FLOW) is None
    assert await fetch_collection_standard(truth, NOBODY) is None


async def test_transactions_and_their_logs_are_those_of_the_node(
    truth: PinnedChain, raw: Node, scenario: Scenario
) -> None:
    sale = scenario.collection.sales[0]
    hashes = [each.tx_hash for each in scenario.collection.sales]
    found = await truth.fetch_transactions(hashes)
    logs = await truth.fetch_transaction_logs(hashes)

    expected = raw.call("eth_getTransactionByHash", sale.tx_hash)
    transaction = found[sale.tx_hash]
    assert transaction.sender == expected["from"]
    assert transaction.recipient == expected["to"]
    assert transaction.value_wei == int(expected["value"], 16)
    assert transaction.nonce == int(expected["nonce"], 16)
    assert transaction.input == expected["input"]
    assert transaction.block_number == sale.block_number
    assert set(found) == set(logs) == set(hashes)
    [moved] = [t for t in decode_transfers(logs[sale.tx_hash]).nft if t.token_id == sale.token_id]
    assert (moved.sender, moved.recipient) == (sale.seller, sale.buyer)


async def test_receipts_are_those_of_the_node(
    truth: PinnedChain, raw: Node, scenario: Scenario
) -> None:
    hashes = [each.tx_hash for each in scenario.collection.sales]
    receipts = await truth.fetch_receipts(hashes)

    assert set(receipts) == set(hashes)
    for hash_, receipt in receipts.items():
        expected = raw.call("eth_getTransactionReceipt", hash_)
        assert receipt.is_success
        assert receipt.gas_used == int(expected["gasUsed"], 16)
        assert receipt.effective_gas_price_wei == int(expected["effectiveGasPrice"], 16)
        assert [log.log_index for log in receipt.logs] == [
            int(log["logIndex"], 16) for log in expected["logs"]
        ]


async def test_transactions_that_a_node_does_not_index_are_named(
    node: "FaultyNode", pinned: PinnedChain, scenario: Scenario
) -> None:
    hashes = [each.tx_hash for each in scenario.collection.sales]
    unknown = {hashes[0], hashes[2]}
    node.alter = lambda call, result: None if call["params"][0] in unknown else result

    with pytest.raises(TransactionNotFound, match="2 in all") as caught:
        await pinned.fetch_receipts(hashes)

    assert caught.value.hashes == unknown
    assert set(await pinned.fetch_receipts(set(hashes) - unknown)) == set(hashes) - unknown


async def test_times_come_with_the_logs_or_in_one_batch_and_are_kept(
    node: "FaultyNode", connect: "Connect", raw: Node
) -> None:
    chain = await connect(node.url)
    pinned = await chain.pin()
    await pinned.fetch_logs(LogFilter((FLOW,), (TRANSFER,)), 100, 200)
    with_logs = {log.block_number for log in await pinned.fetch_logs(LogFilter((FLOW,)), 100, 200)}
    node.reset()
    times = await pinned.fetch_timestamps(with_logs)
    assert not node.calls

    wanted = list(range(250))
    times = await pinned.fetch_timestamps(wanted)
    assert sum(node.batch_sizes) == node.calls["eth_getBlockByNumber"] == 250 - len(with_logs)
    blocks = raw.batch([("eth_getBlockByNumber", [hex(number), False]) for number in wanted])
    assert times == {number: int(blocks[number]["timestamp"], 16) for number in wanted}

    node.reset()
    again = await chain.pin()
    assert await again.fetch_timestamps(wanted) == times
    assert node.calls == {"eth_getBlockByNumber": 1}  # the pinned block


async def test_missing_state_is_an_error_and_never_zero(
    node: "FaultyNode", pinned: PinnedChain
) -> None:
    def refuse(call: dict[str, Any]) -> dict[str, Any] | None:
        if call["method"] in ("eth_call", "eth_getBalance"):
            return {"error": {"code": -32000, "message": "missing trie node 12 (path )"}}
        return None

    node.refuse = refuse
    with pytest.raises(MissingState, match="eth_getBalance: missing trie node"):
        await pinned.fetch_balance(WALLET)
    with pytest.raises(MissingState):
        await fetch_erc20_balances(pinned, WALLET, [FLOW, NOBODY])
    with pytest.raises(MissingState):
        await pinned.call_many([abi.total_supply(FLOW)])


async def test_missing_state_is_read_from_an_archive_further_down_the_list(
    node: "FaultyNode", connect: "Connect", anvil_url: str, scenario: Scenario
) -> None:
    node.refuse = lambda call: (
        {"error": {"code": -32000, "message": "header not found"}}
        if call["method"] == "eth_getBalance"
        else None
    )
    pinned = await (await connect(node.url, anvil_url)).pin()

    assert await pinned.fetch_balance(WALLET) == scenario.wallet.native_wei
    assert pinned.stats.failovers == 1
