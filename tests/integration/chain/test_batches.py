"""Batches: of JSON-RPC calls with all their oddities, and of contract calls through Multicall3."""

from typing import TYPE_CHECKING, Any

import pytest

from common.chain import abi
from common.chain.chains import MULTICALL3
from common.chain.client import PinnedChain
from common.chain.errors import InvalidAnswer
from common.chain.types import Address, Call, CallResult
from local_chain import addresses
from local_chain.contracts import multicall3_runtime_code
from local_chain.node import Node

if TYPE_CHECKING:
    from tests.integration.chain.conftest import Connect, FaultyNode

Json = dict[str, Any]

FLOW, WALLET = Address(addresses.FLOW), Address(addresses.WALLET)
BLOCKS = range(1, 260)


@pytest.fixture
async def times(truth: PinnedChain) -> dict[int, int]:
    return await truth.fetch_timestamps(BLOCKS)


async def test_answers_out_of_order_find_their_calls(
    node: "FaultyNode", pinned: PinnedChain, times: dict[int, int]
) -> None:
    node.alter_batch = lambda answers: answers[::-1]

    assert await pinned.fetch_timestamps(BLOCKS) == times
    assert node.batch_sizes == [259]


async def test_answers_that_are_missing_are_asked_for_again(
    node: "FaultyNode", pinned: PinnedChain, times: dict[int, int]
) -> None:
    node.alter_batch = lambda answers: answers[: len(answers) // 2 + 1]
    some = BLOCKS[:100]

    assert await pinned.fetch_timestamps(some) == {number: times[number] for number in some}


async def test_one_failed_call_of_a_batch_is_asked_for_again_alone(
    node: "FaultyNode", pinned: PinnedChain, times: dict[int, int]
) -> None:
    failed: list[int] = []

    def fail_once(call: Json) -> Json | None:
        if call["params"][0] == hex(50) and not failed:
            failed.append(50)
            return {"error": {"code": -32603, "message": "internal error"}}
        return None

    node.refuse = fail_once
    assert await pinned.fetch_timestamps(BLOCKS) == times
    assert node.calls["eth_getBlockByNumber"] == len(BLOCKS) + 1 + 1  # and the pinned block


ONE_ERROR_FOR_ALL = [
    (-32600, "batch too large", 20),
    (-32600, "batch requests are not available", 1),
    (-32603, "internal error", 1),
    (-32602, "too many requests in batch: maximum batch size is 10", 10),
]


@pytest.mark.parametrize(("code", "message", "most"), ONE_ERROR_FOR_ALL)
@pytest.mark.parametrize("is_list", [True, False])
async def test_a_batch_that_is_refused_as_a_whole_is_cut(
    node: "FaultyNode",
    pinned: PinnedChain,
    times: dict[int, int],
    code: int,
    message: str,
    most: int,
    is_list: bool,
) -> None:
    def refuse(batch: list[Json]) -> Json | None:
        return {"error": {"code": code, "message": message}} if len(batch) > most else None

    if is_list:
        node.alter_batch = lambda answers: (
            [{"id": answers[0]["id"], "error": {"code": code, "message": message}}]
            if len(answers) > most
            else answers
        )
    else:
        node.refuse_batch = refuse
    assert await pinned.fetch_timestamps(BLOCKS) == times


async def test_a_batch_of_too_many_bytes_is_cut(
    node: "FaultyNode", pinned: PinnedChain, times: dict[int, int]
) -> None:
    node.alter_batch = lambda answers: [
        answer
        if position < 30
        else {"id": answer["id"], "error": {"code": -32003, "message": "response too large"}}
        for position, answer in enumerate(answers)
    ]
    assert await pinned.fetch_timestamps(BLOCKS) == times


async def test_the_largest_batch_is_learnt_where_the_endpoint_says_so(
    node: "FaultyNode", connect: "Connect"
) -> None:
    node.refuse_batch = lambda batch: (
        {"error": {"code": -32600, "message": "batch too large"}} if len(batch) > 30 else None
    )
    chain = await connect(node.url)
    await (await chain.pin()).fetch_timestamps(range(1, 101))
    node.reset()
    await (await chain.pin()).fetch_timestamps(range(101, 201))

    assert node.batch_sizes == [25, 25, 25, 25]


def constant(word: int) -> str:
    """Code that answers every call with one word."""
    return f"0x7f{word:064x}60005260206000f3"


BURNS_ALL_GAS = "0xfe"
REVERTS = "0x60006000fd"


class Contracts:
    """An empty chain with Multicall3 and contracts of the test's choice."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._count = 0

    def place(self, code: str, at: Address | None = None) -> Address:
        self._count += 1
        address = at or Address(f"0x{0xC0DE0000 + self._count:040x}")
        self._node.call("anvil_setCode", address, code)
        return address

    def finish(self) -> None:
        self._node.call("anvil_mine", hex(3))


@pytest.fixture
def contracts(stage: Node) -> Contracts:
    contracts = Contracts(stage)
    contracts.place(multicall3_runtime_code(), at=MULTICALL3)
    return contracts


def words(results: list[CallResult]) -> list[int | None]:
    return [abi.decode_uint(result) for result in results]


def supplies(tokens: list[Address]) -> list[Call]:
    return [abi.total_supply(token) for token in tokens]


async def test_many_calls_are_one_round_trip_where_multicall_is_genuine(
    contracts: Contracts, own_anvil: Any, connect: "Connect"
) -> None:
    tokens = [contracts.place(constant(number)) for number in range(20)]
    contracts.finish()
    chain = await connect(own_anvil.url)
    pinned = await chain.pin()

    assert words(await pinned.call_many(supplies(tokens * 40))) == list(range(20)) * 40
    assert pinned.stats.by_method["eth_call"] == 3  # 800 calls by 300
    assert pinned.stats.by_method["eth_getCode"] == 1
    again = await chain.pin()
    await again.call_many(supplies(tokens))
    assert "eth_getCode" not in again.stats.by_method


@pytest.mark.parametrize("code", ["0x", constant(7)], ids=["no code", "an impostor"])
async def test_without_the_genuine_multicall_calls_go_one_by_one(
    contracts: Contracts, own_anvil: Any, connect: "Connect", code: str
) -> None:
    contracts.place(code, at=MULTICALL3)
    tokens = [contracts.place(constant(number)) for number in range(20)]
    contracts.finish()
    pinned = await (await connect(own_anvil.url)).pin()

    assert words(await pinned.call_many(supplies(tokens))) == list(range(20))
    assert pinned.stats.by_method["eth_call"] == 20


async def test_before_multicall_was_there_calls_go_one_by_one(
    stage: Node, own_anvil: Any, connect: "Connect"
) -> None:
    contracts = Contracts(stage)
    tokens = [contracts.place(constant(number)) for number in (5, 6)]
    contracts.finish()
    before = int(stage.call("eth_blockNumber"), 16) - 1  # anvil changes the state of its head
    contracts.place(multicall3_runtime_code(), at=MULTICALL3)
    contracts.finish()
    chain = await connect(own_anvil.url)

    newest = await chain.pin()
    assert words(await newest.call_many(supplies(tokens))) == [5, 6]
    assert newest.stats.by_method["eth_call"] == 1
    older = await chain.pin(at_block=before)
    assert words(await older.call_many(supplies(tokens))) == [5, 6]
    assert older.stats.by_method["eth_call"] == 2


async def test_one_contract_that_burns_all_gas_spoils_no_other_answer(
    contracts: Contracts, own_anvil: Any, connect: "Connect"
) -> None:
    good = [contracts.place(constant(number)) for number in range(30)]
    tokens = [*good[:10], contracts.place(BURNS_ALL_GAS), contracts.place(REVERTS), *good[10:]]
    contracts.finish()
    pinned = await (await connect(own_anvil.url)).pin()

    expected = [*range(10), None, None, *range(10, 30)]
    assert words(await pinned.call_many(supplies(tokens))) == expected


async def test_a_call_to_an_account_without_code_is_no_answer(
    contracts: Contracts, own_anvil: Any, connect: "Connect"
) -> None:
    token = contracts.place(constant(1))
    contracts.finish()
    pinned = await (await connect(own_anvil.url)).pin()

    assert words(await pinned.call_many(supplies([token, WALLET]))) == [1, None]
    assert words(await pinned.call_many(supplies([WALLET]))) == [None]


TOO_MUCH = [
    {"code": -32000, "message": "out of gas"},
    {"code": -32000, "message": "gas required exceeds allowance (50000000)"},
    {"code": -32000, "message": "execution aborted (timeout = 5s)"},
    {"code": -32600, "message": "request entity too large"},
]


@pytest.mark.parametrize("error", TOO_MUCH, ids=lambda error: error["message"])
async def test_a_batch_of_calls_that_is_too_much_is_halved_and_the_size_remembered(
    node: "FaultyNode", connect: "Connect", error: Json
) -> None:
    def refuse(call: Json) -> Json | None:
        is_large = call["method"] == "eth_call" and len(call["params"][0]["data"]) > 9_000
        return {"error": error} if is_large else None

    chain = await connect(node.url)
    pinned = await chain.pin()
    node.refuse = refuse
    calls = [abi.balance_of(FLOW, WALLET)] * 100
    results = await pinned.call_many(calls)
    assert len(set(results)) == 1
    assert results[0].success

    halving = node.calls["eth_call"]
    node.reset()
    assert await (await chain.pin()).call_many(calls) == results
    assert node.calls["eth_call"] < halving


async def test_one_bad_call_does_not_make_later_batches_small(
    node: "FaultyNode", connect: "Connect"
) -> None:
    bad = abi.balance_of(FLOW, Address("0x" + "bad0" * 10))

    def refuse(call: Json) -> Json | None:
        is_bad = call["method"] == "eth_call" and "bad0" * 10 in call["params"][0]["data"]
        return {"error": {"code": -32000, "message": "out of gas"}} if is_bad else None

    chain = await connect(node.url)
    node.refuse = refuse
    good = [abi.balance_of(FLOW, WALLET)] * 199
    results = await (await chain.pin()).call_many([*good[:150], bad, *good[150:]])
    assert [result.success for result in results] == [True] * 150 + [False] + [True] * 49

    node.reset()
    await (await chain.pin()).call_many(good)
    assert node.calls["eth_call"] <= 4


async def test_an_answer_that_is_not_one_result_a_call_is_no_answer(
    node: "FaultyNode", pinned: PinnedChain
) -> None:
    node.alter = lambda call, result: (
        result[: len(result) // 2 // 64 * 64 + 2] if call["method"] == "eth_call" else result
    )
    with pytest.raises(InvalidAnswer, match="eth_call: not the results of 5 calls"):
        await pinned.call_many([abi.total_supply(FLOW)] * 5)
