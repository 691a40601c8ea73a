"""Runs the handler against a node, as the worker does for one attempt."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common.actions.analyze_coin_flows import CoinFlowPayload
from common.actions.handler import Report
from common.results.coin_flows import CoinFlowAnalysis
from local_chain.scenario import Scenario
from token_worker.handler import analyze_coin_flows
from token_worker.history import digests, reading
from token_worker.history.digests import DigestStore

Analyze = Callable[..., Awaitable[Report[CoinFlowAnalysis]]]


@pytest.fixture
def analyze(run_handler: Callable[..., Any], anvil_url: str, scenario: Scenario) -> Analyze:
    """Analyse a token of the seeded chain; keyword arguments are options of the job."""

    async def run(token: str, **options: Any) -> Report[CoinFlowAnalysis]:
        payload = CoinFlowPayload.model_validate({"tokenAddress": token, "options": options})
        report, _ = await run_handler(
            analyze_coin_flows, payload, anvil_url, chain_id=scenario.chain_id
        )
        checked: Report[CoinFlowAnalysis] = report
        return checked

    return run


@pytest.fixture
def short_histories_have_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "SMALLEST", 1)
    monkeypatch.setattr(reading, "SEGMENT_TRANSFERS", 50)
    monkeypatch.setattr(reading, "PIECE_TRANSFERS", 25)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Block of each digest that a run has rested on."""
    blocks: list[int] = []
    load = DigestStore.load

    async def watched(store: DigestStore, digest_id: Any) -> Any:
        digest = await load(store, digest_id)
        if digest is not None:
            blocks.append(digest.block_number)
        return digest

    monkeypatch.setattr(DigestStore, "load", watched)
    return blocks
