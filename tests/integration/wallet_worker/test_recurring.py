"""A recurring snapshot reads only what is new, and says the same as one from scratch."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pymongo.asynchronous.database import AsyncDatabase

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot
from common.chain.store.chain_store import COLLECTIONS, LOGS, TRUNKS
from common.chain.transfers import TRANSFER, TRANSFER_SINGLE
from common.chain.types import RpcStats
from local_chain.addresses import MULTICALL3
from local_chain.contracts import multicall3_runtime_code

if TYPE_CHECKING:
    from tests.integration.stage import Stage

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]
Forget = Callable[[], Awaitable[None]]
Database = AsyncDatabase[dict[str, Any]]

WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
SOMEBODY = "0x" + "51" * 20


def always(word: int) -> str:
    """Code that answers every call, known or not, with one word."""
    return f"7f{word:064x}60005260206000f3"


async def from_scratch(
    forget: Forget, snapshot: Snapshot, *arguments: Any, **options: Any
) -> tuple[Report[WalletSnapshot], RpcStats]:
    await forget()
    return await snapshot(*arguments, **options)


async def test_whatever_happens_in_between_it_equals_a_snapshot_from_scratch(
    stage: "Stage", snapshot: Snapshot, database: Database, forget: Forget
) -> None:
    chance = random.Random(7)  # noqa: S311 - the same story in each session
    tokens = [stage.place_contract(always(word)) for word in (5, 18, 2**255)]
    for _ in range(5):
        for _ in range(chance.randrange(6)):
            sender, recipient = chance.sample([WALLET, SOMEBODY], 2)
            event = chance.choice([TRANSFER, TRANSFER_SINGLE])
            stage.log(chance.choice(tokens), (event, sender, recipient), chance.randrange(2**256))
        stage.finish()
        options = {"includeNFTs": chance.random() < 0.7}

        recurring, _ = await snapshot(stage.url, WALLET, **options)
        kept = {name: await database[name].find().to_list() for name in COLLECTIONS}
        scratch, _ = await from_scratch(forget, snapshot, stage.url, WALLET, **options)
        await forget()
        for name, documents in kept.items():
            if documents:
                await database[name].insert_many(documents)

        assert recurring == scratch


async def test_a_second_run_reads_new_activity_only(stage: "Stage", snapshot: Snapshot) -> None:
    tokens = [stage.place_contract(always(word)) for word in range(1, 13)]
    for token in tokens:
        stage.log(token, (TRANSFER, SOMEBODY, WALLET), 1)
    stage.finish()
    _, cold = await snapshot(stage.url, WALLET)
    _, idle = await snapshot(stage.url, WALLET)
    stage.log(tokens[0], (TRANSFER, SOMEBODY, WALLET), 1)
    stage.finish()
    _, busy = await snapshot(stage.url, WALLET)

    assert cold.logs_fetched == 12
    assert cold.by_method["eth_getTransactionReceipt"] == 12
    assert not {"eth_getLogs", "eth_getTransactionReceipt", "eth_getTransactionByHash"} & set(
        idle.by_method
    )
    assert idle.by_method["eth_call"] == 12  # the balances: nothing logs a rebase
    assert (busy.logs_fetched, busy.by_method["eth_getTransactionReceipt"]) == (1, 1)


async def test_a_reorg_below_what_is_kept_is_found_and_repaired(
    stage: "Stage", snapshot: Snapshot, forget: Forget
) -> None:
    token = stage.place_contract(always(5))
    stage.log(token, (TRANSFER, SOMEBODY, WALLET), 5)
    stage.finish()
    await snapshot(stage.url, WALLET)
    fork = stage.call("evm_snapshot")
    stage.log(token, (TRANSFER, SOMEBODY, WALLET), 111)
    stage.finish()
    before, _ = await snapshot(stage.url, WALLET)

    stage.call("evm_revert", fork)
    stage.log(token, (TRANSFER, SOMEBODY, WALLET), 222)
    stage.log(token, (TRANSFER, WALLET, SOMEBODY), 333)
    stage.finish()
    repaired, stats = await snapshot(stage.url, WALLET)
    scratch, _ = await from_scratch(forget, snapshot, stage.url, WALLET)

    assert [each.amount_raw for each in before.result.token_transfers or []] == ["111", "5"]
    assert [each.amount_raw for each in repaired.result.token_transfers or []] == [
        "333",
        "222",
        "5",
    ]
    assert repaired == scratch
    assert stats.logs_fetched == 2


async def test_another_chain_under_the_same_id_is_read_from_its_beginning(
    stage: "Stage", snapshot: Snapshot, database: Database
) -> None:
    token = stage.place_contract(always(5))
    stage.log(token, (TRANSFER, SOMEBODY, WALLET), 5)
    stage.finish()
    await snapshot(stage.url, WALLET)

    await database[TRUNKS].update_one({}, {"$set": {"checkpoints": [[40, "0x" + "99" * 32]]}})
    report, stats = await snapshot(stage.url, WALLET)

    assert stats.logs_fetched == 1
    assert [each.amount_raw for each in report.result.token_transfers or []] == ["5"]


async def test_runs_side_by_side_keep_each_fact_once(
    stage: "Stage", snapshot: Snapshot, database: Database
) -> None:
    token = stage.place_contract(always(5))
    for amount in range(5):
        stage.log(token, (TRANSFER, SOMEBODY, WALLET), amount)
    stage.finish()

    reports = await asyncio.gather(*(snapshot(stage.url, WALLET) for _ in range(4)))
    later, _ = await snapshot(stage.url, WALLET)

    assert all(report == later for report, _ in reports)
    counts = [each["count"] async for each in database[LOGS].find()]
    assert sum(counts) == 5


async def test_a_past_block_after_a_newer_one_shows_the_past(
    stage: "Stage", snapshot: Snapshot, forget: Forget
) -> None:
    token = stage.place_contract(always(5))
    stage.log(token, (TRANSFER, SOMEBODY, WALLET), 5)
    past = int(stage.call("eth_blockNumber"), 16)
    stage.log(token, (TRANSFER, SOMEBODY, WALLET), 6)
    stage.finish()
    await snapshot(stage.url, WALLET)

    kept, _ = await snapshot(stage.url, WALLET, atBlock=past)
    scratch, _ = await from_scratch(forget, snapshot, stage.url, WALLET, atBlock=past)

    assert [each.amount_raw for each in kept.result.token_transfers or []] == ["5"]
    assert kept == scratch


async def test_a_thousand_tokens_take_at_most_twenty_round_trips_beyond_the_log_scan(
    stage: "Stage", snapshot: Snapshot
) -> None:
    stage.call("anvil_setCode", MULTICALL3, multicall3_runtime_code())
    tokens = stage.place_many(always(18), 1_000)
    stage.log_many(tokens, (TRANSFER, SOMEBODY, WALLET), 18)
    stage.finish()

    report, cold = await snapshot(stage.url, WALLET)
    _, again = await snapshot(stage.url, WALLET)

    assert report.result.totals.tokens_held == 1_000
    assert report.result.transactions is not None
    assert len(report.result.transactions.items) == 1_000
    assert cold.requests - cold.requests_by_method["eth_getLogs"] <= 20
    assert again.requests <= 10
