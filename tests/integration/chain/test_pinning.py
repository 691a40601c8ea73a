"""Which block a run is pinned to, and that nothing is read from another chain or fork."""

from typing import TYPE_CHECKING, Any

import pytest

from common.chain import health
from common.chain.abi import total_supply
from common.chain.client import Chains, PinnedChain
from common.chain.errors import (
    BlockNotFinal,
    ChainError,
    InvalidAnswer,
    ReorgDetected,
    UnknownChain,
)
from common.chain.types import Address, LogFilter
from local_chain import addresses
from local_chain.node import Node

if TYPE_CHECKING:
    from tests.integration.chain.conftest import Connect, CreateNode, FaultyNode

Call = dict[str, Any]

SOMEBODY = Address("0x" + "11" * 20)


def refuse_finalized(call: Call) -> Call | None:
    if call["params"][:1] == ["finalized"]:
        return {"error": {"code": -39001, "message": "finalized block not found"}}
    return None


async def test_a_run_is_pinned_to_the_finalized_block(truth: PinnedChain, raw: Node) -> None:
    block = raw.call("eth_getBlockByNumber", "finalized", False)

    assert truth.block.number == int(block["number"], 16)
    assert truth.block.hash == block["hash"]
    assert truth.block.timestamp == int(block["timestamp"], 16)
    assert truth.block.tag == "finalized"


async def test_a_node_without_finality_is_pinned_some_blocks_below_its_head(
    node: "FaultyNode", connect: "Connect", raw: Node
) -> None:
    node.refuse = refuse_finalized
    pinned = await (await connect(node.url)).pin()

    assert pinned.block.number == int(raw.call("eth_blockNumber"), 16) - 30
    assert pinned.block.tag == "latest-30"


async def test_a_chain_younger_than_its_confirmations_is_pinned_to_its_first_block(
    create_node: "CreateNode", connect: "Connect", stage: Node, own_anvil: Any
) -> None:
    node = await create_node(own_anvil.url)
    node.refuse = refuse_finalized

    assert (await (await connect(node.url)).pin()).block.number == 0


async def test_a_run_can_be_pinned_to_a_block_of_the_past(
    node: "FaultyNode", connect: "Connect", raw: Node
) -> None:
    pinned = await (await connect(node.url)).pin(at_block=100)

    assert pinned.block.hash == raw.call("eth_getBlockByNumber", hex(100), False)["hash"]
    assert pinned.block.tag == "number"
    assert all(log.block_number <= 100 for log in await pinned.fetch_logs(LogFilter()))


async def test_logs_above_the_pinned_block_cannot_be_asked_for(truth: PinnedChain) -> None:
    with pytest.raises(ValueError, match="expected blocks within"):
        await truth.fetch_logs(LogFilter(), 0, truth.block.number + 1)


async def test_a_block_above_the_final_one_may_be_asked_for_again_later(
    node: "FaultyNode", connect: "Connect", truth: PinnedChain
) -> None:
    newest = truth.block.number
    with pytest.raises(BlockNotFinal, match=f"newest final block is {newest}") as raised:
        await (await connect(node.url)).pin(at_block=newest + 1)
    assert raised.value.retryable


async def test_a_chain_that_is_not_configured_is_named_with_those_that_are() -> None:
    chains = Chains({1: ["http://127.0.0.1:9"], 10: []}, 1)
    with pytest.raises(UnknownChain, match=r"chain 5 \(configured: 1, 10\)") as raised:
        await chains.get(5)
    assert not raised.value.retryable
    with pytest.raises(UnknownChain, match="chain 10"):
        await chains.get(10)
    await chains.close()


async def test_a_run_whose_block_is_still_there_is_confirmed(truth: PinnedChain) -> None:
    await truth.confirm()


async def test_a_run_whose_block_was_replaced_is_void(
    stage: Node, own_anvil: Any, connect: "Connect"
) -> None:
    before = stage.call("evm_snapshot")
    stage.call("anvil_mine", hex(5))
    pinned = await (await connect(own_anvil.url)).pin()
    await pinned.confirm()

    stage.call("evm_revert", before)
    stage.call("anvil_mine", hex(5), hex(60))

    with pytest.raises(ReorgDetected, match=f"block {pinned.block.number} was") as raised:
        await pinned.confirm()
    assert raised.value.retryable


def follow_a_fork(call: Call, result: Any) -> Any:
    is_block = call["method"] == "eth_getBlockByNumber"
    return result | {"hash": "0x" + "66" * 32} if is_block else result


async def test_two_endpoints_that_disagree_on_the_block_are_both_not_believed(
    create_node: "CreateNode", connect: "Connect"
) -> None:
    first, second = await create_node(), await create_node()
    second.alter = follow_a_fork

    with pytest.raises(ReorgDetected, match=r"endpoint 1 of 2 .* endpoint 2 of 2") as raised:
        await (await connect(first.url, second.url)).pin()
    assert raised.value.retryable


async def test_two_of_three_endpoints_decide_which_block_it_is(
    create_node: "CreateNode", connect: "Connect", truth: PinnedChain
) -> None:
    first, second, third = [await create_node() for _ in range(3)]
    first.alter = follow_a_fork
    pinned = await (await connect(first.url, second.url, third.url)).pin()

    assert pinned.block == truth.block
    assert await pinned.fetch_balance(SOMEBODY) == await truth.fetch_balance(SOMEBODY)
    await pinned.confirm()
    assert first.calls["eth_getBalance"] == 0


async def test_an_endpoint_that_has_not_got_the_block_has_no_vote(
    create_node: "CreateNode", connect: "Connect", truth: PinnedChain
) -> None:
    first, second = await create_node(), await create_node()
    second.alter = lambda call, result: None if call["method"] == "eth_getBlockByNumber" else result

    assert (await (await connect(first.url, second.url)).pin()).block == truth.block


async def test_an_endpoint_on_another_fork_is_not_read_from(
    create_node: "CreateNode", connect: "Connect"
) -> None:
    first, second = await create_node(), await create_node()
    pinned = await (await connect(first.url, second.url)).pin()
    second.alter = follow_a_fork
    first.refuse = lambda call: {"error": {"code": -32603, "message": "internal error"}}

    with pytest.raises(ChainError):
        await pinned.fetch_balance(SOMEBODY)
    assert second.calls["eth_getBalance"] == 0


async def test_an_endpoint_that_lags_behind_the_pinned_block_is_not_read_from(
    create_node: "CreateNode", connect: "Connect", monkeypatch: pytest.MonkeyPatch
) -> None:
    # The one that fails rests until the end, however long the others take.
    monkeypatch.setattr(health, "FIRST_REST_SECONDS", 600.0)
    monkeypatch.setattr(health, "LONGEST_REST_SECONDS", 600.0)
    first, second, third = [await create_node() for _ in range(3)]
    second.alter = lambda call, result: None if call["method"] == "eth_getBlockByNumber" else result
    pinned = await (await connect(first.url, second.url, third.url)).pin()
    expected = await pinned.fetch_logs(LogFilter())
    first.refuse = lambda call: {"error": {"code": -32603, "message": "internal error"}}

    assert await pinned.fetch_logs(LogFilter()) == expected
    assert second.calls["eth_getLogs"] == 0
    assert third.calls["eth_getLogs"] > 0


async def test_a_header_of_the_wrong_block_is_no_header(
    node: "FaultyNode", pinned: PinnedChain, raw: Node
) -> None:
    node.alter = lambda call, result: (
        result | {"number": "0x1"} if call["method"] == "eth_getBlockByNumber" else result
    )
    with pytest.raises(InvalidAnswer, match="eth_getBlockByNumber: asked for block 7, got 1"):
        await pinned.fetch_timestamps([7])


PINNED_READS = ("eth_getBalance", "eth_getCode", "eth_getTransactionCount", "eth_call")


async def read_state(pinned: PinnedChain) -> list[Any]:
    return [
        await pinned.fetch_balance(SOMEBODY),
        await pinned.fetch_code(SOMEBODY),
        await pinned.fetch_nonce(SOMEBODY),
        *await pinned.call_many([total_supply(Address(addresses.FLOW))] * 3),
    ]


async def test_states_are_named_by_the_hash_of_the_block(
    node: "FaultyNode", pinned: PinnedChain, truth: PinnedChain
) -> None:
    assert await read_state(pinned) == await read_state(truth)

    blocks = [params[-1] for method, params in node.requests if method in PINNED_READS]
    assert len(blocks) == 5
    assert all(
        block == {"blockHash": pinned.block.hash, "requireCanonical": True} for block in blocks
    )


async def test_an_endpoint_that_knows_no_hashes_is_given_numbers(
    node: "FaultyNode", pinned: PinnedChain, truth: PinnedChain
) -> None:
    message = "invalid argument 1: json: cannot unmarshal object into Go value of type string"
    node.refuse = lambda call: (
        {"error": {"code": -32602, "message": message}}
        if call["method"] in PINNED_READS and isinstance(call["params"][-1], dict)
        else None
    )
    assert await read_state(pinned) == await read_state(truth)

    refused = [
        params
        for method, params in node.requests
        if method in PINNED_READS and isinstance(params[-1], dict)
    ]
    assert len(refused) == 1


async def test_the_state_of_a_block_that_was_replaced_is_not_read(
    stage: Node, own_anvil: Any, connect: "Connect"
) -> None:
    before = stage.call("evm_snapshot")
    stage.call("anvil_mine", hex(5))
    pinned = await (await connect(own_anvil.url)).pin()
    await pinned.fetch_balance(SOMEBODY)

    stage.call("evm_revert", before)
    stage.call("anvil_mine", hex(5), hex(60))

    with pytest.raises(ChainError) as raised:
        await pinned.fetch_balance(SOMEBODY)
    assert raised.value.retryable
