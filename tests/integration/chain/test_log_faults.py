"""Answers that are wrong, cut short or behind are found out: logs are complete, or an error."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from common.chain.client import PinnedChain
from common.chain.concurrency import run_all
from common.chain.errors import (
    InvalidAnswer,
    UnsupportedMethod,
)
from common.chain.transfers import TRANSFER
from common.chain.types import LogFilter
from tests.integration.chain.log_answers import (
    EVERYTHING,
    FLOW,
    TOKENS,
    block_range,
    cut_short,
    every,
)

if TYPE_CHECKING:
    from tests.integration.chain.conftest import Connect, CreateNode, FaultyNode

pytestmark = pytest.mark.usefixtures("small_first_step")


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


@pytest.mark.parametrize("count", [2, 3, 5, 7])
@pytest.mark.parametrize("wanted", [EVERYTHING, TOKENS, LogFilter((FLOW,), (TRANSFER,))])
async def test_answers_that_are_cut_short_now_and_then_lose_nothing(
    node: "FaultyNode", connect: "Connect", truth: PinnedChain, count: int, wanted: LogFilter
) -> None:
    pinned = await (await connect(node.url)).pin()
    node.alter = every(count, cut_short)

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
        node.alter = every(count, cut_short)
        assert await run_all(pinned.fetch_logs(wanted) for wanted in filters) == expected


async def test_answers_that_are_always_cut_short_are_an_error(
    node: "FaultyNode", connect: "Connect"
) -> None:
    pinned = await (await connect(node.url)).pin()
    await pinned.fetch_logs(EVERYTHING, 0, 0)
    node.alter = every(1, cut_short)

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
