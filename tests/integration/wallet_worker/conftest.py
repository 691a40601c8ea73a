"""Snapshots through the real reader, and contracts that say whatever a test makes them say."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from pymongo.asynchronous.database import AsyncDatabase

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot, WalletSnapshotPayload
from common.chain.store.chain_store import COLLECTIONS
from common.chain.types import RpcStats
from wallet_worker.handler import take_snapshot

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]


@pytest.fixture
def snapshot(run_handler: Snapshot) -> Snapshot:
    """Return a function that takes a snapshot on a chain; keyword arguments are options."""

    async def run(
        url: str,
        wallet: str,
        chain_id: int = 31337,
        previous: dict[str, Any] | None = None,
        **options: Any,
    ) -> tuple[Report[WalletSnapshot], RpcStats]:
        payload = WalletSnapshotPayload.model_validate({"wallet": wallet, "options": options})
        return await run_handler(take_snapshot, payload, url, chain_id=chain_id, previous=previous)

    return run


@pytest.fixture
def forget(database: AsyncDatabase[dict[str, Any]]) -> Callable[[], Awaitable[None]]:
    """Return a function after which a snapshot is one from scratch."""

    async def drop() -> None:
        for name in COLLECTIONS:
            await database.drop_collection(name)

    return drop


def as_stored(report: Report[WalletSnapshot], url: str, chain_id: int = 31337) -> dict[str, Any]:
    """Return a report as the worker runtime stores it."""
    number = report.result.window.to_block
    question = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "eth_getBlockByNumber",
        "params": [hex(number), False],
    }
    block = httpx.post(url, json=question).json()["result"]
    return {
        "_id": f"job:{number}",
        "chainId": chain_id,
        "block": {"number": number, "hash": block["hash"]},
        **report.result.model_dump(by_alias=True),
    }


@pytest.fixture
def stored() -> Callable[..., dict[str, Any]]:
    """Return the function that makes of a report what a later run finds of it."""
    return as_stored
