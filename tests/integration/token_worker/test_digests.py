"""The digest of a long history in MongoDB: used, refused after a reorg, never half seen."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from common.actions.handler import Report
from common.results.coin_flows import CoinFlowAnalysis
from local_chain.scenario import Scenario
from token_worker.history.digests import BUCKET, KEPT

Analyze = Callable[..., Awaitable[Report[CoinFlowAnalysis]]]
Database = AsyncDatabase[dict[str, Any]]


pytestmark = pytest.mark.usefixtures("short_histories_have_digests")


async def test_a_recurring_run_rests_on_the_digest_and_reports_the_same(
    analyze: Analyze, scenario: Scenario, loaded: list[int]
) -> None:
    read = await analyze(scenario.flow.address, transactionLimit=100_000)
    first = await analyze(scenario.flow.address, fullHistory=True)
    assert loaded == []

    second = await analyze(scenario.flow.address, fullHistory=True)

    assert loaded == [first.result.window.to_block]
    assert first.result == second.result == read.result
    assert first.alerts == second.alerts


async def test_other_thresholds_have_a_digest_of_their_own(
    analyze: Analyze, scenario: Scenario, loaded: list[int]
) -> None:
    changed = {"batchRecipients": 2}
    await analyze(scenario.flow.address, fullHistory=True)

    whole = await analyze(scenario.flow.address, fullHistory=True, thresholds=changed)
    assert loaded == []
    again = await analyze(scenario.flow.address, fullHistory=True, thresholds=changed)

    assert len(loaded) == 1
    assert again.result == whole.result


async def test_a_digest_of_another_fork_is_not_used(
    analyze: Analyze, scenario: Scenario, database: Database, loaded: list[int]
) -> None:
    whole = await analyze(scenario.flow.address, fullHistory=True)
    await database[f"{BUCKET}.files"].update_many(
        {}, {"$set": {"metadata.blockHash": "0x" + "f" * 64}}
    )

    assert (await analyze(scenario.flow.address, fullHistory=True)).result == whole.result
    assert loaded == []


@pytest.mark.parametrize("collection", ["chunks", "files"])
async def test_a_digest_that_is_gone_is_made_anew(
    analyze: Analyze, scenario: Scenario, database: Database, loaded: list[int], collection: str
) -> None:
    whole = await analyze(scenario.flow.address, fullHistory=True)
    await database[f"{BUCKET}.{collection}"].delete_many({})

    assert (await analyze(scenario.flow.address, fullHistory=True)).result == whole.result
    assert loaded == []
    assert (await analyze(scenario.flow.address, fullHistory=True)).result == whole.result
    assert len(loaded) == 1


async def test_attempts_at_once_leave_digests_that_serve(
    analyze: Analyze, scenario: Scenario, database: Database, loaded: list[int]
) -> None:
    reports = await asyncio.gather(
        *(analyze(scenario.flow.address, fullHistory=True) for _ in range(3))
    )

    assert reports[0].result == reports[1].result == reports[2].result
    assert await database[f"{BUCKET}.files"].count_documents({}) <= KEPT
    again = await analyze(scenario.flow.address, fullHistory=True)
    assert again.result == reports[0].result
    assert loaded
