"""Runs the handler against a node, as the worker does for one attempt."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from common.actions.analyze_coin_flows import CoinFlowPayload
from common.actions.handler import Report, RunContext
from common.chain.client import Chains
from common.results.coin_flows import CoinFlowAnalysis
from local_chain.scenario import Scenario
from token_worker.handler import analyze_coin_flows

Analyze = Callable[..., Awaitable[Report[CoinFlowAnalysis]]]


@pytest.fixture
async def analyze(anvil_url: str, scenario: Scenario) -> AsyncIterator[Analyze]:
    """Analyse a token of the seeded chain; keyword arguments are options of the job."""
    chains = Chains({scenario.chain_id: [anvil_url]}, scenario.chain_id)

    async def run(token: str, **options: Any) -> Report[CoinFlowAnalysis]:
        payload = CoinFlowPayload.model_validate({"tokenAddress": token, "options": options})
        pinned = await (await chains.get()).pin()
        context = RunContext(
            run_id="job:0",
            job_id="job",
            pinned=pinned,
            configured_thresholds={},
            report_progress=_nobody_listens,
        )
        report = await analyze_coin_flows(payload, context)
        await pinned.confirm()
        return report

    yield run
    await chains.close()


async def _nobody_listens(step: str) -> None:
    assert step
