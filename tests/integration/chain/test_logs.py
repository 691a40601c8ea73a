"""Logs are complete and exact, the newest ones and all of them, in bounded memory."""

import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from common.chain import log_ranges, log_scan
from common.chain.client import PinnedChain
from common.chain.transfers import TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE
from common.chain.types import Address, Log, LogFilter
from local_chain.node import Node
from local_stack.servers import AnvilServer
from tests.integration.chain.log_answers import (
    EVERYTHING,
    FLOW,
    TOKENS,
    Call,
    block_range,
    refuse_wide_ranges,
)

if TYPE_CHECKING:
    from tests.integration.chain.conftest import Connect, CreateNode, FaultyNode

pytestmark = pytest.mark.usefixtures("small_first_step")


async def test_all_logs_of_the_chain_are_read_in_order(truth: PinnedChain, raw: Node) -> None:
    logs = await truth.fetch_logs(EVERYTHING)
    expected = raw.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": hex(truth.block.number)})

    assert len(logs) == len(expected) == truth.stats.logs_fetched > 1_000
    for log, entry in zip(logs, expected, strict=True):
        assert log == Log(
            entry["address"],
            tuple(entry["topics"]),
            entry["data"],
            int(entry["blockNumber"], 16),
            entry["blockHash"],
            entry["transactionHash"],
            int(entry["transactionIndex"], 16),
            int(entry["logIndex"], 16),
        )


async def test_the_filter_and_both_ends_of_the_range_hold(truth: PinnedChain) -> None:
    everything = await truth.fetch_logs(EVERYTHING)
    expected = [
        log
        for log in everything
        if log.address in TOKENS.addresses
        and log.topics[0] in (TRANSFER, TRANSFER_SINGLE, TRANSFER_BATCH)
    ]
    middle = expected[len(expected) // 3].block_number, expected[len(expected) // 2].block_number

    assert await truth.fetch_logs(TOKENS) == expected
    assert await truth.fetch_logs(TOKENS, *middle) == [
        log for log in expected if middle[0] <= log.block_number <= middle[1]
    ]


@pytest.mark.parametrize("limit", [1, 10, 100, 333])
async def test_the_newest_logs_are_whole_blocks_that_hold_the_limit(
    truth: PinnedChain, limit: int
) -> None:
    everything = await truth.fetch_logs(TOKENS)
    newest = await truth.fetch_newest_logs(TOKENS, limit)

    assert newest.truncated
    assert newest.from_block == everything[-limit].block_number
    assert list(newest.logs) == [log for log in everything if log.block_number >= newest.from_block]


async def test_a_history_shorter_than_the_limit_is_read_in_full(truth: PinnedChain) -> None:
    everything = await truth.fetch_logs(TOKENS)

    for limit in (len(everything), len(everything) + 1, 10**6):
        newest = await truth.fetch_newest_logs(TOKENS, limit)
        assert (list(newest.logs), newest.from_block, newest.truncated) == (everything, 0, False)


async def test_the_newest_logs_do_not_depend_on_an_endpoints_limits(
    node: "FaultyNode", pinned: PinnedChain, truth: PinnedChain
) -> None:
    node.refuse = refuse_wide_ranges(7, -32602, "exceed maximum block range {most}")

    assert await pinned.fetch_newest_logs(TOKENS, 50) == await truth.fetch_newest_logs(TOKENS, 50)


async def test_blocks_before_a_contract_existed_are_not_scanned(
    stage: Node, own_anvil: AnvilServer, create_node: "CreateNode", connect: "Connect"
) -> None:
    stage.call("anvil_mine", hex(300))
    stage.call("anvil_setCode", FLOW, "0x60006000f3")
    stage.call("anvil_mine", hex(100))
    node = await create_node(own_anvil.url)
    pinned = await (await connect(node.url)).pin()
    newest = await pinned.fetch_newest_logs(LogFilter((FLOW,), (TRANSFER,)), 10)

    assert (newest.logs, newest.from_block, newest.truncated) == ((), 0, False)
    asked = [
        block_range({"params": params})
        for method, params in node.requests
        if method == "eth_getLogs"
    ]
    # It reads back 128 blocks, and asks for the code below those.
    assert min(first for first, _ in asked) == pinned.block.number - 128 + 1
    assert node.calls["eth_getCode"] == 1


async def test_without_old_state_the_whole_history_is_read(
    node: "FaultyNode", pinned: PinnedChain, truth: PinnedChain
) -> None:
    node.refuse = lambda call: (
        {"error": {"code": -32000, "message": "missing trie node"}}
        if call["method"] == "eth_getCode"
        else None
    )
    newest = await pinned.fetch_newest_logs(LogFilter((Address("0x" + "99" * 20),)), 10)

    assert (newest.logs, newest.truncated) == ((), False)
    ranges = {block_range({"params": params}) for m, params in node.requests if m == "eth_getLogs"}
    read = {block for first, last in ranges for block in range(first, last + 1)}
    assert read == set(range(truth.block.number + 1))


async def test_logs_can_be_read_in_pages(
    monkeypatch: pytest.MonkeyPatch, pinned: PinnedChain, truth: PinnedChain
) -> None:
    everything = await truth.fetch_logs(EVERYTHING)
    monkeypatch.setattr(log_scan, "WINDOW_LOGS", 100)

    pages = [page async for page in pinned.stream_logs(EVERYTHING)]

    assert [log for page in pages for log in page] == everything
    assert len(pages) > 1


async def test_the_memory_of_a_stream_does_not_depend_on_its_length(
    node: "FaultyNode", connect: "Connect", truth: PinnedChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_scan, "WINDOW_LOGS", 1_000)
    monkeypatch.setattr(log_ranges, "TARGET_LOGS", 200)
    crowd, crowded = LogFilter((Address("0x" + "c0" * 20),)), 50

    def flood(call: Call, result: Any) -> Any:
        """A contract with 50 logs in each block."""
        if call["method"] != "eth_getLogs" or call["params"][0].get("address") != [
            "0x" + "c0" * 20
        ]:
            return result
        first, last = block_range(call)
        return [
            {
                "address": "0x" + "c0" * 20,
                "topics": [],
                "data": "0x" + "ab" * 200,
                "blockNumber": hex(block),
                "blockHash": truth.block.hash if block == truth.block.number else f"0x{block:064x}",
                "transactionHash": f"0x{block:064x}",
                "transactionIndex": "0x0",
                "logIndex": hex(index),
            }
            for block in range(first, last + 1)
            for index in range(crowded)
        ]

    node.alter = flood
    chain = await connect(node.url)
    last = truth.block.number

    async def peak_bytes(blocks: int) -> int:
        pinned = await chain.pin()
        count = 0
        tracemalloc.start()
        async for page in pinned.stream_logs(crowd, last - blocks + 1):
            count += len(page)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == blocks * crowded
        return peak

    await peak_bytes(60)  # whatever is made once
    assert await peak_bytes(last) < 1.5 * await peak_bytes(last // 4)
