"""The history kept in MongoDB: exact at any block, cheap to bring forward, right after a reorg."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from common.chain.client import Chains
from common.chain.types import ZERO_ADDRESS, Address
from local_chain.scenario import Scenario
from token_worker.analysis.ledger import Ledger
from token_worker.analysis.table import TransferTable
from token_worker.history import reading as history_reading
from token_worker.history.reading import History, read_history
from token_worker.history.store import COLLECTION
from token_worker.wraps import movements_filter

Database = AsyncDatabase[dict[str, Any]]


@pytest.fixture
def read(anvil_url: str, scenario: Scenario, database: Database) -> Callable[..., Any]:
    """Read the FLOW token's history up to a block, as one run does; with the calls it took."""

    async def run(at_block: int | None = None) -> tuple[History, int]:
        async def ignore(_: str) -> None: ...

        chains = Chains({scenario.chain_id: [anvil_url]}, scenario.chain_id)
        try:
            pinned = await (await chains.get()).pin(at_block)
            token = Address(scenario.flow.address)
            history = await read_history(pinned, movements_filter(token, False), database, ignore)
        finally:
            await chains.close()
        return history, pinned.stats.logs_fetched

    return run


def _rows(table: TransferTable) -> list[Any]:
    return [table[row] for row in range(len(table))]


def _balances(table: TransferTable) -> dict[str, int]:
    flows = Ledger.of(table)
    return {address: flows.net(code) for code, address in enumerate(table.addresses)}


async def test_the_second_run_reads_no_old_transfer_again(
    read: Callable[..., Any], scenario: Scenario
) -> None:
    first, first_logs = await read()
    second, second_logs = await read()

    assert first_logs == len(first.table) == scenario.flow.transfer_count
    assert second_logs == 0
    assert _rows(second.table) == _rows(first.table)


@pytest.mark.parametrize("segment_transfers", [7, 50, 100_000])
async def test_brought_forward_in_steps_it_is_what_one_reading_gives(
    read: Callable[..., Any],
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    segment_transfers: int,
) -> None:
    whole, _ = await read()
    await database.drop_collection(COLLECTION)
    monkeypatch.setattr(history_reading, "SEGMENT_TRANSFERS", segment_transfers)
    monkeypatch.setattr(history_reading, "PIECE_TRANSFERS", segment_transfers // 3)
    last = int(whole.table.block_numbers[-1])

    for block in range(0, last + 1, max(1, last // 9)):
        await read(block)
    stepwise, _ = await read()

    assert _rows(stepwise.table) == _rows(whole.table)
    assert stepwise.unread_logs == whole.unread_logs


async def test_an_older_block_is_exact_and_leaves_what_is_kept(
    read: Callable[..., Any], database: Database
) -> None:
    whole, _ = await read()
    middle = int(whole.table.block_numbers[len(whole.table) // 2])

    older, _ = await read(middle)

    assert _rows(older.table) == _rows(whole.table.until(middle))
    assert (await read())[1] == 0


async def test_balances_add_up_to_the_supply(read: Callable[..., Any], scenario: Scenario) -> None:
    history, _ = await read()

    balances = _balances(history.table)

    assert sum(balances.values()) == 0
    assert -balances[ZERO_ADDRESS] == scenario.flow.total_supply_raw


async def test_what_a_reorg_replaced_is_read_anew(
    read: Callable[..., Any], database: Database
) -> None:
    """The kept rows above an older checkpoint are made to be of another fork."""
    whole, _ = await read()
    await database.drop_collection(COLLECTION)
    middle = int(whole.table.block_numbers[len(whole.table) // 2])
    common_rows = len(whole.table.until(middle))
    await read(middle)
    await read()
    [kept] = await database[COLLECTION].find().to_list()
    number, _ = kept["checkpoints"][-1]
    right = kept["limbs"][: len(kept["limbs"]) // len(whole.table) * common_rows]
    forged = {
        "checkpoints": [*kept["checkpoints"][:-1], [number, "0x" + "f" * 64]],
        "limbs": right + b"\xff" * (len(kept["limbs"]) - len(right)),
    }
    await database[COLLECTION].update_one({"_id": kept["_id"]}, {"$set": forged})

    repaired, logs = await read()

    assert _rows(repaired.table) == _rows(whole.table)
    assert logs == len(whole.table) - common_rows
    assert (await read())[1] == 0


async def test_a_history_of_another_chain_altogether_is_read_from_the_start(
    read: Callable[..., Any], database: Database
) -> None:
    whole, _ = await read()
    await database[COLLECTION].update_many({}, {"$set": {"checkpoints": [[3, "0x" + "f" * 64]]}})

    assert _rows((await read())[0].table) == _rows(whole.table)


async def test_two_attempts_at_once_leave_one_right_history(
    read: Callable[..., Any], database: Database
) -> None:
    one, other = await asyncio.gather(read(), read())

    assert _rows(one[0].table) == _rows(other[0].table)
    assert (await read())[1] == 0
