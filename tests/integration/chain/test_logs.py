"""Logs are complete and exact whatever limits and faults stand in between."""

import asyncio
import tracemalloc
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from common.chain import log_ranges, log_scan
from common.chain.client import PinnedChain
from common.chain.concurrency import run_all
from common.chain.errors import (
    AddressRequired,
    ChainError,
    InvalidAnswer,
    ResultTooLarge,
    UnsupportedMethod,
)
from common.chain.transfers import TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE
from common.chain.types import Address, Log, LogFilter
from local_chain import addresses
from local_chain.node import Node

if TYPE_CHECKING:
    from tests.integration.chain.conftest import Connect, CreateNode, FaultyNode

Call = dict[str, Any]
Refusal = Callable[[Call], Call | None]

FLOW, COLLECTION = Address(addresses.FLOW), Address(addresses.COLLECTION)
EVERYTHING = LogFilter()
TOKENS = LogFilter(
    (FLOW, COLLECTION, Address(addresses.EDITIONS), Address(addresses.WETH)),
    ((TRANSFER, TRANSFER_SINGLE, TRANSFER_BATCH),),
)


@pytest.fixture(autouse=True)
def _small_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted chain is short: many ranges need small steps."""
    monkeypatch.setattr(log_ranges, "FIRST_STEP", 64)


def block_range(call: Call) -> tuple[int, int]:
    wanted = call["params"][0]
    return int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)


def refuse_wide_ranges(most: int, code: int, message: str) -> Refusal:
    def refuse(call: Call) -> Call | None:
        if call["method"] != "eth_getLogs":
            return None
        first, last = block_range(call)
        if last - first + 1 <= most:
            return None
        text = message.format(most=most, first=first, last=last, end=first + most - 1)
        return {"error": {"code": code, "message": text}}

    return refuse


def refuse_many_logs(truth: list[Log], most: int, message: str, code: int = -32005) -> Refusal:
    """Counts as the node would, by range, address and topic."""

    def refuse(call: Call) -> Call | None:
        if call["method"] != "eth_getLogs":
            return None
        wanted, (first, last) = call["params"][0], block_range(call)
        topics = (wanted.get("topics") or [None])[0]
        found = [
            log.block_number
            for log in truth
            if first <= log.block_number <= last
            and log.address in wanted.get("address", [log.address])
            and (topics is None or log.topics[0] in topics)
        ]
        if len(found) <= most:
            return None
        end = found[most] - 1 if found[most] > first else first
        text = message.format(most=most, first=first, last=last, end=end)
        return {"error": {"code": code, "message": text}}

    return refuse


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


RANGE_LIMITS = [
    (-32602, "exceed maximum block range {most}", 200),
    (-32602, "query exceeds max block range {most}", 200),
    (
        -32600,
        "You can make eth_getLogs requests with up to a {most} block range. Based on your"
        " parameters, this block range should work: [{first:#x}, {end:#x}]",
        400,
    ),
    (-32602, "range 1000000 exceeds limit of {most}", 200),
    (-32614, "eth_getLogs is limited to a {most} range", 413),
    (-32600, "block range is too wide", 200),
    (-32701, "exceed maximum block range: {most}", 200),
    (-32005, "limit exceeded", 200),
]


@pytest.mark.parametrize(("code", "message", "status"), RANGE_LIMITS)
async def test_a_limit_of_blocks_changes_nothing_of_the_logs(
    node: "FaultyNode",
    pinned: PinnedChain,
    truth: PinnedChain,
    code: int,
    message: str,
    status: int,
) -> None:
    node.refuse = refuse_wide_ranges(20, code, message)
    node.status = status

    assert await pinned.fetch_logs(EVERYTHING) == await truth.fetch_logs(EVERYTHING)
    assert pinned.stats.range_splits > 0


async def test_a_limit_is_learnt_once_and_remembered_for_the_next_run(
    node: "FaultyNode", connect: "Connect"
) -> None:
    chain = await connect(node.url)
    node.refuse = refuse_wide_ranges(20, -32602, "exceed maximum block range {most}")
    first_run = await chain.pin()
    logs = await first_run.fetch_logs(EVERYTHING)
    needed = -(-(first_run.block.number + 1) // 20)
    checks = 1 + -(-needed // 8)  # that logs reach the newest block, and all ends, eight at once
    # and one refusal, and the cut first steps
    assert node.posts["eth_getLogs"] <= needed + checks + 1 + 4

    node.reset()
    second_run = await chain.pin()
    assert await second_run.fetch_logs(EVERYTHING) == logs
    assert node.posts["eth_getLogs"] == needed + checks - 1
    assert second_run.stats.range_splits == 0


LOG_LIMITS = [
    "query returned more than {most} results. Try with this block range [{first:#x}, {end:#x}].",
    "query exceeds max results {most}, retry with the range {first}-{end}",
    "query returned more than {most} results. Try with this block range [{first:#x}, {last:#x}].",
    "logs matched by query exceeds limit of {most}",
    "query timeout exceeded",
    "response too large",
]


@pytest.mark.parametrize("message", LOG_LIMITS)
async def test_a_limit_of_logs_changes_nothing_of_the_logs(
    node: "FaultyNode", pinned: PinnedChain, truth: PinnedChain, message: str
) -> None:
    everything = await truth.fetch_logs(TOKENS)
    node.refuse = refuse_many_logs(everything, busiest_contract(everything), message)

    assert await pinned.fetch_logs(TOKENS) == everything
    assert pinned.stats.range_splits > 0


def busiest_contract(logs: list[Log]) -> int:
    """Most logs of one contract and topic in one block: no limit below that can be met."""
    counts: dict[tuple[int, str, str], int] = defaultdict(int)
    for log in logs:
        counts[log.block_number, log.address, log.topics[0]] += 1
    return max(counts.values())


async def test_a_block_with_too_many_logs_of_one_contract_is_a_clear_failure(
    node: "FaultyNode", pinned: PinnedChain, truth: PinnedChain
) -> None:
    everything = await truth.fetch_logs(TOKENS)
    node.refuse = refuse_many_logs(
        everything, busiest_contract(everything) - 1, "query returned more than {most} results"
    )

    with pytest.raises(ResultTooLarge, match="eth_getLogs: query returned more than"):
        await pinned.fetch_logs(TOKENS)


async def test_too_many_addresses_or_topics_are_asked_for_in_parts(
    node: "FaultyNode", pinned: PinnedChain, truth: PinnedChain
) -> None:
    def refuse(call: Call) -> Call | None:
        wanted = call["params"][0]
        if call["method"] == "eth_getLogs" and (
            len(wanted["address"]) > 1 or len(wanted["topics"][0]) > 2
        ):
            message = "exceed max addresses or topics per search position"
            return {"error": {"code": -32602, "message": message}}
        return None

    node.refuse = refuse
    assert await pinned.fetch_logs(TOKENS) == await truth.fetch_logs(TOKENS)


async def test_a_node_that_wants_an_address_says_so(
    node: "FaultyNode", pinned: PinnedChain
) -> None:
    node.refuse = lambda call: (
        {"error": {"code": -32701, "message": "Please specify an address in your request"}}
        if "address" not in call["params"][0]
        else None
    )

    with pytest.raises(AddressRequired) as raised:
        await pinned.fetch_logs(EVERYTHING)
    assert not raised.value.retryable
    assert await pinned.fetch_logs(TOKENS)


def every(n: int, change: Callable[[Any], Any]) -> Callable[[Call, Any], Any]:
    """Changes every n-th page of logs that is not empty."""
    pages = 0

    def alter(call: Call, result: Any) -> Any:
        nonlocal pages
        if call["method"] != "eth_getLogs" or not result:
            return result
        pages += 1
        return change(result) if pages % n == 0 else result

    return alter


PAGE_FAULTS: dict[str, Callable[[Any], Any]] = {
    "null": lambda page: None,
    "a removed log": lambda page: [*page, page[0] | {"logIndex": "0xfff", "removed": True}],
    "a log twice": lambda page: [*page, page[0]],
    "a log of another block": lambda page: [*page, page[0] | {"blockNumber": "0xffffff"}],
    "a log of another contract": lambda page: [
        *page,
        page[0] | {"address": "0x" + "88" * 20, "logIndex": "0xfff"},
    ],
    "a broken log": lambda page: [*page, {}],
    "an object": lambda page: {},
}


@pytest.mark.parametrize("change", PAGE_FAULTS.values(), ids=PAGE_FAULTS.keys())
async def test_a_page_that_cannot_be_right_is_asked_for_again(
    node: "FaultyNode", pinned: PinnedChain, truth: PinnedChain, change: Callable[[Any], Any]
) -> None:
    node.alter = every(3, change)

    assert await pinned.fetch_logs(TOKENS) == await truth.fetch_logs(TOKENS)
    assert pinned.stats.retries > 0


async def test_pages_that_are_never_right_are_an_error_and_not_an_empty_list(
    node: "FaultyNode", pinned: PinnedChain
) -> None:
    node.alter = lambda call, result: None if call["method"] == "eth_getLogs" else result

    with pytest.raises(InvalidAnswer, match="eth_getLogs: expected a list of logs") as raised:
        await pinned.fetch_logs(TOKENS)
    assert raised.value.retryable


async def test_pages_in_any_order_are_put_in_order(
    node: "FaultyNode", pinned: PinnedChain, truth: PinnedChain
) -> None:
    node.alter = every(1, lambda page: page[::-1])

    assert await pinned.fetch_logs(TOKENS) == await truth.fetch_logs(TOKENS)


async def test_a_failure_in_one_range_fails_the_whole_read(
    node: "FaultyNode", pinned: PinnedChain
) -> None:
    node.refuse = lambda call: (
        {"error": {"code": -32601, "message": "Method not found"}}
        if call["method"] == "eth_getLogs" and block_range(call)[0] > 200
        else None
    )
    with pytest.raises(UnsupportedMethod):
        await pinned.fetch_logs(EVERYTHING)


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
    stage: Node, own_anvil: Any, connect: "Connect"
) -> None:
    stage.call("anvil_mine", hex(1_000))
    stage.call("anvil_setCode", FLOW, "0x60006000f3")
    stage.call("anvil_mine", hex(150))
    pinned = await (await connect(own_anvil.url)).pin()
    newest = await pinned.fetch_newest_logs(LogFilter((FLOW,), (TRANSFER,)), 10)

    assert (newest.logs, newest.from_block, newest.truncated) == ((), 0, False)
    assert pinned.stats.by_method["eth_getCode"] > 0
    assert pinned.stats.by_method["eth_getLogs"] < 1_150 / 32


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


async def test_a_filter_that_nobody_can_serve_fails_without_being_repeated(
    node: "FaultyNode", pinned: PinnedChain
) -> None:
    with pytest.raises(ChainError):
        await pinned.fetch_logs(replace(TOKENS, topics=("0xnonsense",)))
    nonsense = [call for call in node.requests if "0xnonsense" in str(call)]
    assert len(nonsense) == 1


def cut_every(count: int) -> Callable[[Call, Any], Any]:
    """Every so many answers with logs lose their last quarter."""
    answers = 0

    def alter(call: Call, result: Any) -> Any:
        nonlocal answers
        if call["method"] != "eth_getLogs" or not result:
            return result
        answers += 1
        return result[: len(result) * 3 // 4] if answers % count == 0 else result

    return alter


@pytest.mark.parametrize("count", [2, 3, 5, 7])
@pytest.mark.parametrize("wanted", [EVERYTHING, TOKENS, LogFilter((FLOW,), (TRANSFER,))])
async def test_answers_that_are_cut_short_now_and_then_lose_nothing(
    node: "FaultyNode", connect: "Connect", truth: PinnedChain, count: int, wanted: LogFilter
) -> None:
    pinned = await (await connect(node.url)).pin()
    node.alter = cut_every(count)

    assert await pinned.fetch_logs(wanted) == await truth.fetch_logs(wanted)


@pytest.mark.parametrize("count", [2, 3])
async def test_scans_beside_each_other_lose_nothing_either(
    node: "FaultyNode", connect: "Connect", truth: PinnedChain, count: int
) -> None:
    filters = [
        LogFilter((FLOW,), (TRANSFER,)),
        TOKENS,
        LogFilter((), (TRANSFER,)),
        EVERYTHING,
    ]
    expected = [await truth.fetch_logs(wanted) for wanted in filters]

    node.turn = asyncio.Lock()

    for _ in range(4):
        pinned = await (await connect(node.url)).pin()
        node.alter = cut_every(count)
        assert await run_all(pinned.fetch_logs(wanted) for wanted in filters) == expected


async def test_answers_that_are_always_cut_short_are_an_error(
    node: "FaultyNode", connect: "Connect"
) -> None:
    pinned = await (await connect(node.url)).pin()
    await pinned.fetch_logs(EVERYTHING, 0, 0)
    node.alter = cut_every(1)

    with pytest.raises(InvalidAnswer, match="some are cut short") as raised:
        await pinned.fetch_logs(EVERYTHING)
    assert raised.value.retryable


@pytest.mark.parametrize("blocks", [1, 20, 400])
async def test_a_node_that_is_behind_with_its_logs_is_an_error_not_a_shorter_list(
    node: "FaultyNode", connect: "Connect", truth: PinnedChain, blocks: int
) -> None:
    newest = (await truth.fetch_logs(EVERYTHING))[-1].block_number
    pinned = await (await connect(node.url)).pin(at_block=newest)
    node.alter = lambda call, result: (
        [log for log in result if int(log["blockNumber"], 16) <= newest - blocks]
        if call["method"] == "eth_getLogs"
        else result
    )
    with pytest.raises(InvalidAnswer, match="the node is behind") as raised:
        await pinned.fetch_logs(LogFilter((FLOW,)))
    assert raised.value.retryable


async def test_an_endpoint_that_is_behind_with_its_logs_is_passed_over(
    create_node: "CreateNode", connect: "Connect", truth: PinnedChain
) -> None:
    everything = await truth.fetch_logs(EVERYTHING)
    newest = everything[-1].block_number
    first, second = await create_node(), await create_node()
    first.alter = lambda call, result: [] if call["method"] == "eth_getLogs" else result
    pinned = await (await connect(first.url, second.url)).pin(at_block=newest)

    assert await pinned.fetch_logs(EVERYTHING) == everything


async def test_logs_can_be_read_in_pages(
    monkeypatch: pytest.MonkeyPatch, pinned: PinnedChain, truth: PinnedChain
) -> None:
    everything = await truth.fetch_logs(EVERYTHING)
    monkeypatch.setattr(log_scan, "WINDOW_LOGS", 100)

    pages = [page async for page in pinned.stream_logs(EVERYTHING)]

    assert [log for page in pages for log in page] == everything
    assert len(pages) > 1


async def test_a_limit_that_is_not_named_is_remembered_for_the_next_run(
    node: "FaultyNode", connect: "Connect"
) -> None:
    chain = await connect(node.url)
    node.refuse = refuse_wide_ranges(20, -32005, "limit exceeded")
    await (await chain.pin()).fetch_logs(EVERYTHING)
    second_run = await chain.pin()
    node.reset()
    await second_run.fetch_logs(EVERYTHING)

    needed = -(-(second_run.block.number + 1) // 20)
    assert node.posts["eth_getLogs"] <= 1.5 * needed


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
