"""What is final is read once by all runs of all processes, and is still true when it is used."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from pymongo.asynchronous.database import AsyncDatabase

from common.chain import log_audit, log_ranges
from common.chain.client import PinnedChain
from common.chain.errors import ChainError, InvalidAnswer, ResultTooLarge
from common.chain.kept import Kind
from common.chain.store import log_pieces
from common.chain.store.chain_store import FACTS, LOGS, TRUNKS, ChainStore
from common.chain.tokens import fetch_token_metadata
from common.chain.transfers import TRANSFER
from common.chain.types import Address, LogFilter
from common.mongo_client import create_mongo
from local_chain import addresses
from local_chain.node import Node
from local_chain.scenario import Scenario
from local_stack.servers import AnvilServer, MongoServer

if TYPE_CHECKING:
    from tests.integration.chain.conftest import Connect, FaultyNode

Database = AsyncDatabase[dict[str, Any]]

FLOW = Address(addresses.FLOW)
TRANSFERS = LogFilter((FLOW,), (TRANSFER,))
EMITTER = "0x" + "e0" * 20
EMITTED = LogFilter((Address(EMITTER),))
FINAL = 70  # blocks; after so many more any node calls a block final


@pytest.fixture
def store(database: Database) -> ChainStore:
    return ChainStore(database)


@pytest.fixture
async def earlier(node: "FaultyNode", connect: "Connect", store: ChainStore) -> PinnedChain:
    """A run of another process that has read all transfers of FLOW."""
    pinned = await (await connect(node.url, store=store)).pin()
    await pinned.fetch_logs(TRANSFERS)
    node.reset()
    return pinned


@pytest.fixture
def emit(stage: Node) -> Callable[[int], None]:
    """Emits an event with a number in a block of its own, on the test's own chain."""
    # log0 of the first word of calldata
    stage.call("anvil_setCode", EMITTER, "0x6000356000526020 6000a000".replace(" ", ""))
    sender = stage.call("eth_accounts")[0]

    def emit_one(number: int) -> None:
        call = {"from": sender, "to": EMITTER, "data": f"0x{number:064x}", "gas": "0x186a0"}
        stage.call("eth_sendTransaction", call)

    return emit_one


def numbers(logs: Any) -> list[int]:
    return [int(log.data, 16) for log in logs]


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


async def test_times_metadata_code_and_receipts_are_read_once(
    node: "FaultyNode",
    connect: "Connect",
    store: ChainStore,
    scenario: Scenario,
    truth: PinnedChain,
) -> None:
    logs = (await truth.fetch_logs(TRANSFERS))[:20]
    hashes = [log.transaction_hash for log in logs]
    blocks = {log.block_number for log in logs}
    wanted = [FLOW, Address(addresses.COLLECTION), Address("0x" + "77" * 20)]

    async def read(pinned: PinnedChain) -> Any:
        return (
            await pinned.fetch_timestamps(blocks),
            await fetch_token_metadata(pinned, wanted),
            await pinned.fetch_codes(wanted),
            await pinned.fetch_transactions(hashes),
            await pinned.fetch_outcomes(hashes),
        )

    expected = await read(truth)
    assert await read(await (await connect(node.url, store=store)).pin()) == expected
    node.reset()
    again = await (await connect(node.url, store=store)).pin()

    assert await read(again) == expected
    # the account without code is asked again: it may have some by now
    asked = {params[0] for method, params in node.requests if method == "eth_getCode"}
    assert asked == {wanted[2], addresses.MULTICALL3}
    assert node.calls["eth_call"] == 1
    assert not {"eth_getTransactionByHash", "eth_getTransactionReceipt"} & set(node.calls)


async def test_metadata_and_code_are_read_again_after_a_while(
    stage: Node, own_anvil: AnvilServer, connect: "Connect", database: Database
) -> None:
    store = ChainStore(database, metadata_days=1)
    token = Address("0x" + "c0" * 20)
    always_18 = "0x6012" + "60005260206000f3"
    stage.call("anvil_setCode", token, always_18)
    stage.call("anvil_mine", hex(FINAL))
    await fetch_token_metadata(await (await connect(own_anvil.url, store=store)).pin(), [token])
    stage.call("anvil_setCode", token, always_18.replace("6012", "6006"))
    stage.call("anvil_mine", hex(FINAL))

    soon = await (await connect(own_anvil.url, store=store)).pin()
    assert (await fetch_token_metadata(soon, [token]))[token].decimals == 18
    stage.call("evm_increaseTime", 86_400)
    stage.call("anvil_mine", hex(FINAL))
    late = await (await connect(own_anvil.url, store=store)).pin()

    assert (await fetch_token_metadata(late, [token]))[token].decimals == 6


async def test_a_delegated_account_is_asked_for_its_code_each_time(
    stage: Node, own_anvil: AnvilServer, connect: "Connect", store: ChainStore
) -> None:
    account = Address("0x" + "c1" * 20)
    for delegate in ("11" * 20, "22" * 20):
        stage.call("anvil_setCode", account, "0xef0100" + delegate)
        stage.call("anvil_mine", hex(FINAL))
        pinned = await (await connect(own_anvil.url, store=store)).pin()

        assert await pinned.fetch_code(account) == "0xef0100" + delegate


async def test_without_mongodb_runs_read_everything_from_the_chain(
    node: "FaultyNode", connect: "Connect", own_mongodb: MongoServer, truth: PinnedChain
) -> None:
    async with create_mongo(SecretStr(own_mongodb.url), serverSelectionTimeoutMS=300) as client:
        store = ChainStore(client["test"])
        interrupted = await (await connect(node.url, store=store)).pin()
        await interrupted.fetch_logs(TRANSFERS, 0, 100)
        own_mongodb.kill()

        expected = await truth.fetch_logs(TRANSFERS)
        assert await interrupted.fetch_logs(TRANSFERS) == expected
        assert await interrupted.fetch_timestamps([5]) == await truth.fetch_timestamps([5])
        begun_without = await (await connect(node.url, store=store)).pin()
        assert await begun_without.fetch_logs(TRANSFERS) == expected


async def test_what_no_run_uses_is_removed_after_the_retention(
    node: "FaultyNode", connect: "Connect", database: Database
) -> None:
    store = ChainStore(database, retention_days=2)
    await store.create_indexes()
    pinned = await (await connect(node.url, store=store)).pin()
    await pinned.fetch_logs(TRANSFERS)
    await fetch_token_metadata(pinned, [FLOW])
    for name in (LOGS, FACTS):
        indexes = await database[name].index_information()
        assert indexes["retention"]["expireAfterSeconds"] == 2 * 86_400
        long_ago = {"$dateSubtract": {"startDate": "$usedAt", "unit": "hour", "amount": 47}}
        await database[name].update_many({}, [{"$set": {"usedAt": long_ago}}])
    before = {name: await database[name].find_one({}) for name in (LOGS, FACTS)}

    again = await (await connect(node.url, store=store)).pin()
    await again.fetch_logs(TRANSFERS)
    await fetch_token_metadata(again, [FLOW])

    for name, old in before.items():
        used = await database[name].find_one({"_id": old["_id"]}) if old else None
        assert old is not None
        assert used is not None
        assert used["usedAt"] - old["usedAt"] > timedelta(hours=46)


async def test_a_chain_that_cannot_be_read_is_an_error_with_a_store_too(
    node: "FaultyNode", connect: "Connect", store: ChainStore, earlier: PinnedChain
) -> None:
    node.refuse = lambda call: {"error": {"code": -32601, "message": "method not found"}}
    with pytest.raises(ChainError):
        await (await connect(node.url, store=store)).pin()
