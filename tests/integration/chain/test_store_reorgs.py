"""What is kept is still true when it is used: reorgs, other chains, nodes that are behind."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from common.chain.client import PinnedChain
from common.chain.kept import Kind
from common.chain.store.chain_store import LOGS, TRUNKS, ChainStore
from common.chain.types import LogFilter
from local_chain.node import Node
from local_stack.servers import AnvilServer
from tests.integration.chain.emitted import EMITTED, FINAL, FLOW, TRANSFERS, Database, numbers

if TYPE_CHECKING:
    from tests.integration.chain.conftest import Connect, FaultyNode


@pytest.mark.parametrize(
    ("depth", "read_again"),
    [pytest.param(FINAL + 1, 1, id="above a checkpoint"), pytest.param(205, 2, id="below all")],
)
async def test_a_reorg_below_the_cursor_is_found_and_repaired(
    stage: Node,
    own_anvil: AnvilServer,
    connect: "Connect",
    store: ChainStore,
    emit: Callable[[int], None],
    depth: int,
    read_again: int,
) -> None:
    emit(1)
    stage.call("anvil_mine", hex(2 * FINAL))
    await (await (await connect(own_anvil.url, store=store)).pin()).fetch_logs(EMITTED)
    emit(2)
    stage.call("anvil_mine", hex(FINAL))
    before = await (await connect(own_anvil.url, store=store)).pin()
    assert numbers(await before.fetch_logs(EMITTED)) == [1, 2]
    kept_times = await before.fetch_timestamps([before.block.number - 1, 3])

    stage.call("anvil_reorg", depth, [])
    emit(3)
    stage.call("anvil_mine", hex(2 * FINAL), hex(17))
    after = await (await connect(own_anvil.url, store=store)).pin()
    scratch = await (await connect(own_anvil.url)).pin()

    assert numbers(await after.fetch_logs(EMITTED)) == [1, 3]
    assert await after.fetch_logs(EMITTED) == await scratch.fetch_logs(EMITTED)
    assert await after.fetch_timestamps(kept_times) == await scratch.fetch_timestamps(kept_times)
    assert after.stats.logs_fetched == read_again
    again = await (await connect(own_anvil.url, store=store)).pin()
    assert numbers(await again.fetch_logs(EMITTED)) == [1, 3]
    assert again.stats.logs_fetched == 0


async def test_a_run_that_began_before_a_reorg_leaves_nothing_behind(
    stage: Node,
    own_anvil: AnvilServer,
    connect: "Connect",
    store: ChainStore,
    emit: Callable[[int], None],
) -> None:
    emit(1)
    stage.call("anvil_mine", hex(FINAL))
    await (await (await connect(own_anvil.url, store=store)).pin()).fetch_logs(EMITTED)
    fork = stage.call("evm_snapshot")
    emit(2)
    stage.call("anvil_mine", hex(FINAL))
    slow = await (await connect(own_anvil.url, store=store)).pin()
    old_logs = await slow.fetch_logs(EMITTED, keep=False)
    assert numbers(old_logs) == [1, 2]

    stage.call("evm_revert", fork)
    emit(3)
    stage.call("anvil_mine", hex(FINAL), hex(17))
    quick = await (await connect(own_anvil.url, store=store)).pin()
    assert numbers(await quick.fetch_logs(EMITTED)) == [1, 3]
    # only now the slow one keeps what it has read of the abandoned fork
    await slow.kept.keep_logs(EMITTED, 0, slow.block.number, old_logs)
    await slow.kept.keep_timestamps({slow.block.number: 1})
    await slow.kept.keep_facts(Kind("test"), {"name": "of the fork"})

    later = await (await connect(own_anvil.url, store=store)).pin()
    assert numbers(await later.fetch_logs(EMITTED)) == [1, 3]
    assert await later.kept.find_facts(Kind("test"), ["name"]) == {}
    stage.call("anvil_mine", hex(FINAL))
    last = await (await connect(own_anvil.url, store=store)).pin()
    assert numbers(await last.fetch_logs(EMITTED)) == [1, 3]
    assert await last.fetch_timestamps([slow.block.number]) != {slow.block.number: 1}


async def test_another_chain_under_the_same_id_is_read_from_its_beginning(
    connect: "Connect",
    store: ChainStore,
    earlier: PinnedChain,
    database: Database,
    node: "FaultyNode",
) -> None:
    await database[TRUNKS].update_one({}, {"$set": {"checkpoints": [[40, "0x" + "99" * 32]]}})
    pinned = await (await connect(node.url, store=store)).pin()
    logs = await pinned.fetch_logs(TRANSFERS)

    assert pinned.stats.logs_fetched == len(logs) > 100
    assert sum([piece["count"] async for piece in database[LOGS].find()]) == len(logs)


async def test_an_endpoint_that_is_behind_may_use_what_is_below_it_and_drops_nothing(
    stage: Node,
    own_anvil: AnvilServer,
    connect: "Connect",
    store: ChainStore,
    emit: Callable[[int], None],
    create_node: Any,
) -> None:
    for number in (1, 2):
        emit(number)
        stage.call("anvil_mine", hex(FINAL))
        ahead = await (await connect(own_anvil.url, store=store)).pin()
        await ahead.fetch_logs(EMITTED)
    lagging = await create_node(own_anvil.url)
    height = ahead.block.number - 20

    def answer(call: dict[str, Any], result: Any) -> Any:
        if call["method"] == "eth_getBlockByNumber" and result:
            if call["params"][0] == "finalized":
                return stage.call("eth_getBlockByNumber", hex(height), False)
            return result if int(result["number"], 16) <= height else None
        return result

    lagging.alter = answer
    behind = await (await connect(lagging.url, store=store)).pin()
    expected = await (await (await connect(lagging.url)).pin()).fetch_logs(EMITTED)

    assert await behind.fetch_logs(EMITTED) == expected
    again = await (await connect(own_anvil.url, store=store)).pin()
    assert numbers(await again.fetch_logs(EMITTED)) == [1, 2]
    assert again.stats.logs_fetched == 0


async def test_a_past_block_shows_nothing_of_the_future_and_is_kept_too(
    connect: "Connect", store: ChainStore, earlier: PinnedChain, node: "FaultyNode"
) -> None:
    pinned = await (await connect(node.url, store=store)).pin(at_block=120)
    logs = await pinned.fetch_logs(TRANSFERS)
    other = LogFilter((FLOW,), ())
    await pinned.fetch_logs(other)
    again = await (await connect(node.url, store=store)).pin(at_block=120)

    assert logs == [log for log in await earlier.fetch_logs(TRANSFERS) if log.block_number <= 120]
    assert pinned.stats.by_method["eth_getLogs"] > 0  # for the other filter only
    assert await again.fetch_logs(other)
    assert "eth_getLogs" not in again.stats.by_method
