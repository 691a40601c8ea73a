"""Logs that are final are read once by all runs of all processes."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from common.chain import log_audit, log_ranges
from common.chain.client import PinnedChain
from common.chain.errors import InvalidAnswer, ResultTooLarge
from common.chain.store import log_pieces
from common.chain.store.chain_store import LOGS, ChainStore
from common.chain.tokens import fetch_token_metadata
from common.chain.transfers import TRANSFER
from common.chain.types import Address, LogFilter
from local_chain import addresses
from local_chain.node import Node
from local_stack.servers import AnvilServer
from tests.integration.chain.emitted import (
    EMITTED,
    EMITTER,
    FINAL,
    FLOW,
    TRANSFERS,
    Database,
    numbers,
)

if TYPE_CHECKING:
    from tests.integration.chain.conftest import Connect, FaultyNode


async def test_another_process_finds_what_was_read(
    node: "FaultyNode", connect: "Connect", store: ChainStore, earlier: PinnedChain
) -> None:
    pinned = await (await connect(node.url, store=store)).pin()

    assert await pinned.fetch_logs(TRANSFERS) == await earlier.fetch_logs(TRANSFERS)
    assert len(await pinned.fetch_logs(TRANSFERS)) > 100
    assert set(node.calls) == {"eth_chainId", "eth_getBlockByNumber"}


async def test_any_part_of_it_is_found_and_only_gaps_are_read(
    node: "FaultyNode", connect: "Connect", store: ChainStore, truth: PinnedChain
) -> None:
    pinned = await (await connect(node.url, store=store)).pin()
    await pinned.fetch_logs(TRANSFERS, 100, 150)
    await pinned.fetch_logs(TRANSFERS, 200, 250)
    node.reset()
    later = await (await connect(node.url, store=store)).pin()

    expected = await truth.fetch_logs(TRANSFERS, 120, 230)
    assert await later.fetch_logs(TRANSFERS, 120, 230) == expected
    asked = {
        (int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16))
        for method, params in node.requests
        if method == "eth_getLogs"
        and params[0].get("address") == [FLOW]
        and int(params[0]["fromBlock"], 16) < pinned.block.number - 20  # not of the probe
    }
    assert asked
    assert all(first >= 151 and last <= 199 for first, last in asked), asked
    assert later.stats.logs_fetched == len(await truth.fetch_logs(TRANSFERS, 151, 199))


async def test_the_newest_logs_are_found_too(
    node: "FaultyNode", connect: "Connect", store: ChainStore, truth: PinnedChain
) -> None:
    first = await (await connect(node.url, store=store)).pin()
    await first.fetch_newest_logs(TRANSFERS, 50)
    node.reset()
    second = await (await connect(node.url, store=store)).pin()

    assert await second.fetch_newest_logs(TRANSFERS, 50) == await truth.fetch_newest_logs(
        TRANSFERS, 50
    )
    assert node.calls["eth_getLogs"] == 0


async def test_another_filter_is_another_history(
    connect: "Connect", store: ChainStore, earlier: PinnedChain, node: "FaultyNode"
) -> None:
    pinned = await (await connect(node.url, store=store)).pin()
    other = LogFilter((Address(addresses.COLLECTION),), (TRANSFER,))

    assert {log.address for log in await pinned.fetch_logs(other)} == {addresses.COLLECTION}


async def test_what_is_derived_elsewhere_is_not_kept_twice(
    node: "FaultyNode", connect: "Connect", store: ChainStore, database: Database
) -> None:
    pinned = await (await connect(node.url, store=store)).pin()
    await pinned.fetch_logs(TRANSFERS, keep=False)
    await pinned.fetch_newest_logs(TRANSFERS, 10, keep=False)

    assert await database[LOGS].count_documents({}) == 0


async def test_pages_are_kept_as_they_come(
    node: "FaultyNode",
    connect: "Connect",
    store: ChainStore,
    truth: PinnedChain,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_pieces, "PIECE_LOGS", 40)
    monkeypatch.setattr(log_pieces, "JOINED_LOGS", 10)
    for _ in range(2):
        pinned = await (await connect(node.url, store=store)).pin()
        pages = [page async for page in pinned.stream_logs(TRANSFERS)]

        assert [log for page in pages for log in page] == await truth.fetch_logs(TRANSFERS)
    assert pinned.stats.logs_fetched == 0
    assert len(pages) > 2


async def test_only_what_is_final_is_kept(
    stage: Node,
    own_anvil: AnvilServer,
    connect: "Connect",
    store: ChainStore,
    database: Database,
    emit: Callable[[int], None],
) -> None:
    for number in range(5):
        emit(number)
    stage.call("anvil_mine", hex(FINAL))
    emit(99)
    pinned = await (await connect(own_anvil.url, store=store)).pin()

    assert numbers(await pinned.fetch_logs(EMITTED)) == list(range(5))
    kept = await database[LOGS].find().to_list()
    assert max(piece["last"] for piece in kept) == pinned.block.number
    assert sum(piece["count"] for piece in kept) == 5


async def test_later_runs_extend_one_piece_instead_of_adding_many(
    stage: Node,
    own_anvil: AnvilServer,
    connect: "Connect",
    store: ChainStore,
    database: Database,
    emit: Callable[[int], None],
) -> None:
    for number in range(6):
        emit(number)
        stage.call("anvil_mine", hex(FINAL))
        pinned = await (await connect(own_anvil.url, store=store)).pin()
        assert numbers(await pinned.fetch_logs(EMITTED)) == list(range(number + 1))
        newest = await pinned.fetch_newest_logs(LogFilter((Address(EMITTER),), ()), 2)
        assert numbers(newest.logs) == list(range(number + 1))[-2:]

    assert await database[LOGS].count_documents({}) == 1


async def test_nothing_is_covered_whose_parts_were_not_all_read(
    node: "FaultyNode",
    connect: "Connect",
    store: ChainStore,
    truth: PinnedChain,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_ranges, "FIRST_STEP", 64)
    logs = await truth.fetch_logs(TRANSFERS)
    crowded = logs[len(logs) // 2].block_number

    def refuse(call: dict[str, Any]) -> dict[str, Any] | None:
        if call["method"] != "eth_getLogs":
            return None
        first, last = (int(call["params"][0][name], 16) for name in ("fromBlock", "toBlock"))
        if first <= crowded <= last:
            return {"error": {"code": -32005, "message": "query returned more than 1 results"}}
        return None

    node.refuse = refuse
    failing = await (await connect(node.url, store=store)).pin()
    with pytest.raises(ResultTooLarge):
        await failing.fetch_logs(TRANSFERS)
    node.refuse = lambda call: None
    later = await (await connect(node.url, store=store)).pin()

    assert await later.fetch_logs(TRANSFERS) == logs


async def test_what_was_kept_before_answers_proved_to_be_cut_short_is_forgotten(
    node: "FaultyNode",
    connect: "Connect",
    store: ChainStore,
    truth: PinnedChain,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_ranges, "FIRST_STEP", 8)
    monkeypatch.setattr("common.chain.log_scan.WINDOW_PARTS", 4)
    monkeypatch.setattr(log_audit, "ALWAYS_AUDITED", 0)
    monkeypatch.setattr(log_audit, "AUDITED_SHARE", 8)
    monkeypatch.setattr(log_audit, "SUSPICION", 0.0)
    expected = await truth.fetch_logs(TRANSFERS)

    def cut_short(call: dict[str, Any], result: Any) -> Any:
        """Every answer but those for one block, which audits mostly ask for."""
        if call["method"] != "eth_getLogs" or len(result) < 2:
            return result
        wanted = call["params"][0]
        return result if wanted["fromBlock"] == wanted["toBlock"] else result[:-1]

    node.alter = cut_short
    failing = await (await connect(node.url, store=store)).pin()
    with pytest.raises(InvalidAnswer):
        await failing.fetch_logs(TRANSFERS)
    node.alter = lambda call, result: result
    later = await (await connect(node.url, store=store)).pin()

    assert await later.fetch_logs(TRANSFERS) == expected


async def test_runs_of_several_processes_side_by_side_keep_each_log_once(
    node: "FaultyNode",
    connect: "Connect",
    store: ChainStore,
    truth: PinnedChain,
    database: Database,
) -> None:
    async def run() -> Any:
        pinned = await (await connect(node.url, store=store)).pin()
        logs = await pinned.fetch_logs(TRANSFERS)
        await pinned.fetch_timestamps({log.block_number for log in logs})
        await fetch_token_metadata(pinned, [FLOW])
        return logs

    expected = await truth.fetch_logs(TRANSFERS)
    assert await asyncio.gather(*(run() for _ in range(5))) == [expected] * 5
    assert await run() == expected
    assert sum([piece["count"] async for piece in database[LOGS].find()]) == len(expected)
