"""Wallets given by ENS name, on a real node with a registry that says what a test tells it to."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot
from common.chain.types import RpcStats
from common.errors import PayloadError
from wallet_worker.ens import REGISTRY

if TYPE_CHECKING:
    from tests.integration.stage import Stage

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]

WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
RESOLVER = "0x" + "e5" * 20


def always(address: str) -> str:
    """Code that answers every call with one address."""
    return f"0x7f{int(address, 16):064x}60005260206000f3"


async def test_a_name_stands_for_the_address_it_had_at_the_block(
    stage: "Stage", snapshot: Snapshot
) -> None:
    stage.call("anvil_setCode", REGISTRY, always(RESOLVER))
    stage.call("anvil_setCode", RESOLVER, always(WALLET))
    past = int(stage.call("eth_blockNumber"), 16)
    stage.call("evm_mine")
    stage.call("anvil_setCode", RESOLVER, always("0x" + "77" * 20))
    stage.finish()

    then, _ = await snapshot(stage.url, "Somebody.eth", atBlock=past)
    now, _ = await snapshot(stage.url, "somebody.eth")

    assert (then.result.wallet.address, then.result.wallet.ens_name) == (WALLET, "somebody.eth")
    assert now.result.wallet.address == "0x" + "77" * 20


@pytest.mark.parametrize(
    ("registry", "resolver", "problem"),
    [
        (None, None, "there is no ENS at block"),
        ("0x0", None, "does not exist"),
        (RESOLVER, "0x0", "names no address"),
    ],
)
async def test_a_name_without_an_address_is_an_error_that_no_repetition_helps(
    stage: "Stage",
    snapshot: Snapshot,
    registry: str | None,
    resolver: str | None,
    problem: str,
) -> None:
    for address, answer in ((REGISTRY, registry), (RESOLVER, resolver)):
        if answer is not None:
            stage.call("anvil_setCode", address, always(answer))
    stage.finish()

    with pytest.raises(PayloadError, match=problem) as caught:
        await snapshot(stage.url, "somebody.eth")
    assert not caught.value.retryable
