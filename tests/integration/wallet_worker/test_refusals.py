"""Endpoints that cannot or will not answer: a reason or an error, never a zero."""

from collections.abc import Awaitable, Callable

import pytest

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot
from common.chain.errors import ChainError
from common.chain.types import RpcStats
from local_chain.scenario import Scenario

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]

REFUSED = {"code": -32701, "message": "Please specify address in your request or, for more"}
PRUNED = {"code": 4444, "message": "pruned history unavailable"}
LOST_STATE = {"code": -32000, "message": "missing trie node 1234 (path ) state is not available"}


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
