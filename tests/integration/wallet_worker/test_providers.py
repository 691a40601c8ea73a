"""Under every provider's limits and every fault: the same snapshot, or precisely what is missing.

Never a zero, and never a shorter list.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pymongo.asynchronous.database import AsyncDatabase

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot, WalletSnapshotPayload
from common.chain import health, rpc
from common.chain.client import Chains
from common.chain.errors import ChainError, MissingState, WrongChain
from common.chain.types import RpcStats
from local_chain.scenario import Scenario
from tests.integration.wallet_worker.provider import PROFILES, Provider
from wallet_worker.handler import take_snapshot

RunHandler = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]
Through = Callable[..., Awaitable[Report[WalletSnapshot]]]

PASSES = [
    {"http_429_every": 5},
    {"http_503_every": 5},
    {"timeout_every": 15},
    {"latency_ms": 5},
    {"null_receipt_every": 3},
    {"null_logs_every": 3},
    {"truncated_logs_every": 2},
    {"truncated_logs_every": 3},
    {"removed_logs_every": 3},
    {"head_back_every": 2},
    {"batch_out_of_order": 1},
    {"batch_single_error_object": 3},
    {"batch_single_error_object": 1},
]


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = Chains.__init__.__kwdefaults__ or {}
    monkeypatch.setitem(defaults, "timeout_seconds", 3.0)
    monkeypatch.setattr(health, "FIRST_REST_SECONDS", 0.01)
    monkeypatch.setattr(rpc, "FIRST_REST_SECONDS", 0.01)


@pytest.fixture
async def through(
    run_handler: RunHandler,
    anvil_url: str,
    scenario: Scenario,
    database: AsyncDatabase[dict[str, Any]],
) -> AsyncIterator[Through]:
    """Return a function that takes the planted wallet's snapshot through a provider."""
    runners: list[web.AppRunner] = []

    async def run(
        profile: str, at_block: int | None = None, **faults: int
    ) -> Report[WalletSnapshot]:
        await database.client.drop_database(database.name)  # nothing is known before
        provider = Provider(anvil_url, session, PROFILES[profile], faults)
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/", provider.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        payload = WalletSnapshotPayload.model_validate(
            {"wallet": scenario.wallet.address, "options": {"atBlock": at_block}}
        )
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        report, _ = await run_handler(take_snapshot, payload, url)
        return report

    async with aiohttp.ClientSession() as session:
        yield run
        for runner in runners:
            await runner.cleanup()


@pytest.mark.parametrize("profile", ["geth", "reth", "alchemy", "infura", "quicknode"])
async def test_limits_of_a_provider_change_nothing(through: Through, profile: str) -> None:
    assert await through(profile) == await through("open")


@pytest.mark.parametrize("faults", PASSES, ids=lambda faults: "-".join(faults))
@pytest.mark.parametrize("profile", ["open", "infura"])
async def test_faults_that_pass_change_nothing(
    through: Through, profile: str, faults: dict[str, int]
) -> None:
    assert await through(profile, **faults) == await through("open")


async def test_without_finality_the_snapshot_is_that_of_a_block_with_confirmations(
    through: Through,
) -> None:
    found = await through("open", no_finality_tags=1)

    assert found == await through("open", at_block=found.result.window.to_block)
    assert found.result.window.to_block < (await through("open")).result.window.to_block


@pytest.mark.parametrize("profile", ["alchemy", "infura", "reth"])
async def test_a_suggestion_that_is_the_refused_range_is_not_followed(
    through: Through, profile: str
) -> None:
    assert await through(profile, same_suggestion=1) == await through("open")


async def test_small_limits_of_everything_at_once_change_nothing(through: Through) -> None:
    assert await through("strict-with-wallets") == await through("open")


@pytest.mark.parametrize("profile", ["publicnode", "bsc-strict"])
async def test_without_logs_by_wallet_everything_of_them_is_null_and_the_reason_is_said(
    through: Through, profile: str
) -> None:
    found = (await through(profile)).result
    full = (await through("open")).result

    assert (found.wallet, found.native) == (full.wallet, full.native)
    assert [each.code for each in found.completeness.reasons] == ["discovery_refused"]
    assert (found.tokens, found.nfts, found.token_transfers) == (None, None, None)
    assert (found.totals.tokens_held, found.transactions, found.cursor) == (None, None, None)


@pytest.mark.parametrize(
    ("faults", "error", "says"),
    [
        ({"missing_state": 1}, MissingState, "missing trie node"),
        ({"empty_logs": 1}, ChainError, "logs"),
        ({"truncated_logs_every": 1}, ChainError, "logs"),
        ({"wrong_chain_id": 5}, WrongChain, "serves chain 5"),
    ],
    ids=lambda each: "-".join(each) if isinstance(each, dict) else "",
)
async def test_what_cannot_be_read_fails_the_run_and_is_named(
    through: Through, faults: dict[str, int], error: type[ChainError], says: str
) -> None:
    with pytest.raises(error, match=says) as failure:
        await through("open", **faults)

    assert failure.value.retryable == (error is not WrongChain)
