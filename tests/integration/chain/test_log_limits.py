"""Limits of endpoints are learnt, remembered, and change nothing of the logs."""

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from common.chain.client import PinnedChain
from common.chain.errors import (
    AddressRequired,
    ChainError,
    ResultTooLarge,
)
from common.chain.types import Log
from tests.integration.chain.log_answers import (
    EVERYTHING,
    TOKENS,
    Call,
    refuse_many_logs,
    refuse_wide_ranges,
)

if TYPE_CHECKING:
    from tests.integration.chain.conftest import Connect, FaultyNode

pytestmark = pytest.mark.usefixtures("small_first_step")


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


async def test_a_filter_that_nobody_can_serve_fails_without_being_repeated(
    node: "FaultyNode", pinned: PinnedChain
) -> None:
    with pytest.raises(ChainError):
        await pinned.fetch_logs(replace(TOKENS, topics=("0xnonsense",)))
    nonsense = [call for call in node.requests if "0xnonsense" in str(call)]
    assert len(nonsense) == 1


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
