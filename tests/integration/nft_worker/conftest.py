"""Analyses through the real reader, as the worker's runtime runs them."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common.actions.analyze_nft_movements import NftMovementPayload
from common.actions.handler import Report, RunContext
from common.chain.client import Chains
from common.chain.types import RpcStats
from common.results.nft_movements import NftMovementAnalysis
from nft_worker.handler import analyze_nft_movements

Analysis = Callable[..., Awaitable[tuple[Report[NftMovementAnalysis], RpcStats]]]


@pytest.fixture
def analysis() -> Analysis:
    """Return a function that runs the handler once on the local chain."""

    async def run(
        url: str, collection: str, **options: Any
    ) -> tuple[Report[NftMovementAnalysis], RpcStats]:
        async def ignore_progress(_: str) -> None: ...

        payload = NftMovementPayload.model_validate(
            {"collectionAddress": collection, "options": options}
        )
        chains = Chains({31337: [url]}, 31337)
        try:
            pinned = await (await chains.get()).pin()
            report = await analyze_nft_movements(
                payload, RunContext("job:0", "job", pinned, {}, ignore_progress)
            )
            await pinned.confirm()
        finally:
            await chains.close()
        return report, pinned.stats

    return run
