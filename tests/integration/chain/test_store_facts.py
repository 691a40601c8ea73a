"""Times, metadata, code and receipts are read once, and all that is kept ends at some time."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from common.chain.client import PinnedChain
from common.chain.errors import ChainError
from common.chain.store.chain_store import FACTS, LOGS, ChainStore
from common.chain.tokens import fetch_token_metadata
from common.chain.types import Address
from common.mongo_client import create_mongo
from local_chain import addresses
from local_chain.node import Node
from local_chain.scenario import Scenario
from local_stack.servers import AnvilServer, MongoServer
from tests.integration.chain.emitted import FINAL, FLOW, TRANSFERS, Database

if TYPE_CHECKING:
    from tests.integration.chain.conftest import Connect, FaultyNode


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
