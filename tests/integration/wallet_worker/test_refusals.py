"""Endpoints that cannot or will not answer: a reason or an error, never a zero."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot
from common.chain.errors import ChainError
from common.chain.types import RpcStats
from local_chain.scenario import Scenario

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]

REFUSED = {"code": -32701, "message": "Please specify address in your request or, for more"}
PRUNED = {"code": 4444, "message": "pruned history unavailable"}
LOST_STATE = {"code": -32000, "message": "missing trie node 1234 (path ) state is not available"}


@pytest.fixture
async def refusing(anvil_url: str) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Start an endpoint before the node that answers one method with an error."""
    runners: list[web.AppRunner] = []

    async def start(method: str, error: dict[str, object]) -> str:
        async def answer(request: web.Request) -> web.Response:
            body = await request.json()
            if not isinstance(body, list) and body["method"] == method:
                refusal = {"jsonrpc": "2.0", "id": body["id"], "error": error}
                return web.json_response(refusal)
            async with aiohttp.ClientSession() as session:
                answered = await session.post(anvil_url, json=body)
                return web.json_response(json.loads(await answered.read()))

        app = web.Application()
        app.router.add_post("/", answer)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        return f"http://127.0.0.1:{port}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("error", "code"), [(REFUSED, "discovery_refused"), (PRUNED, "history_pruned")]
)
async def test_without_a_search_by_wallet_the_result_is_partial_and_says_why(
    refusing: Callable[..., Awaitable[str]],
    scenario: Scenario,
    snapshot: Snapshot,
    error: dict[str, object],
    code: str,
) -> None:
    url = await refusing("eth_getLogs", error)

    report, _ = await snapshot(url, scenario.wallet.address)
    found = report.result

    assert found.completeness.status == "partial"
    assert [reason.code for reason in found.completeness.reasons] == [code]
    assert found.native.balance_raw == str(scenario.wallet.native_wei)
    assert (found.tokens, found.nfts, found.token_transfers) == (None, None, None)
    assert found.totals.tokens_held is None
    assert [alert.type for alert in report.alerts] == ["DATA_INCOMPLETE"]


@pytest.mark.parametrize("method", ["eth_getBalance", "eth_getCode", "eth_call"])
async def test_a_node_without_the_state_fails_the_run(
    refusing: Callable[..., Awaitable[str]], scenario: Scenario, snapshot: Snapshot, method: str
) -> None:
    url = await refusing(method, LOST_STATE)

    with pytest.raises(ChainError, match="missing trie node"):
        await snapshot(url, scenario.wallet.address)
