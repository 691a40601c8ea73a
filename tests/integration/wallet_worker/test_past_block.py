"""`options.atBlock`: the wallet as it was, or an error that says why not."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot
from common.chain.errors import BlockNotFinal, MissingState
from common.chain.transfers import TRANSFER
from common.chain.types import RpcStats
from local_chain.addresses import MULTICALL3
from local_chain.contracts import multicall3_runtime_code

if TYPE_CHECKING:
    from tests.integration.stage import Stage

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]

WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
SOMEBODY = "0x" + "51" * 20
LOST_STATE = {"code": -32000, "message": "missing trie node 1234 (path ) state is not available"}


def always(word: int) -> str:
    """Code that answers every call, known or not, with one word."""
    return f"7f{word:064x}60005260206000f3"


async def test_a_past_block_shows_what_was_there_then_and_nothing_later(
    stage: "Stage", snapshot: Snapshot
) -> None:
    token, later = (stage.place_contract(always(word)) for word in (5, 6))
    stage.log(token, (TRANSFER, SOMEBODY, WALLET), 5)
    past = int(stage.call("eth_blockNumber"), 16)
    stage.call("evm_mine")  # the node changes code in its newest state, which `past` keeps
    stage.call("anvil_setCode", MULTICALL3, multicall3_runtime_code())
    stage.answer(token, always(9))
    stage.log(token, (TRANSFER, SOMEBODY, WALLET), 4)
    stage.log(later, (TRANSFER, SOMEBODY, WALLET), 6)
    stage.finish()

    now, _ = await snapshot(stage.url, WALLET)
    then, stats = await snapshot(stage.url, WALLET, atBlock=past)

    assert now.result.totals.tokens_held == 2
    assert [(each.contract_address, each.balance_raw) for each in then.result.tokens or []] == [
        (token, "5")
    ]
    assert then.result.window.to_block == past
    assert stats.by_method["eth_call"] == 4  # name, symbol, decimals, balance: not in one call


async def test_a_block_that_is_not_final_yet_is_refused(stage: "Stage", snapshot: Snapshot) -> None:
    stage.finish()

    with pytest.raises(BlockNotFinal, match="block 100000 is not final yet"):
        await snapshot(stage.url, WALLET, atBlock=100_000)


async def test_a_node_that_dropped_the_old_state_is_an_error_and_never_a_zero(
    stage: "Stage", snapshot: Snapshot, refusing: Callable[..., Awaitable[str]]
) -> None:
    stage.finish()
    url = await refusing("eth_getBalance", LOST_STATE, stage.url)

    with pytest.raises(MissingState, match="missing trie node"):
        await snapshot(url, WALLET, atBlock=3)
