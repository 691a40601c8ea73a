"""Analyses through the real reader, as the worker's runtime runs them."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common.actions.analyze_nft_movements import NftMovementPayload
from common.actions.handler import Report
from common.chain.types import RpcStats
from common.results.nft_movements import NftMovementAnalysis
from nft_worker.handler import analyze_nft_movements

Analysis = Callable[..., Awaitable[tuple[Report[NftMovementAnalysis], RpcStats]]]


@pytest.fixture
def analysis(run_handler: Analysis) -> Analysis:
    """Return a function that analyses a collection of a chain; keyword arguments are options."""

    async def run(
        url: str, collection: str, **options: Any
    ) -> tuple[Report[NftMovementAnalysis], RpcStats]:
        payload = NftMovementPayload.model_validate(
            {"collectionAddress": collection, "options": options}
        )
        return await run_handler(analyze_nft_movements, payload, url)

    return run
