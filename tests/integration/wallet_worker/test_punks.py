"""CryptoPunks of a wallet, from events as CryptoPunksMarket logs them, on a real node."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot
from common.chain.punks import ASSIGN, COLLECTION, PUNK_BOUGHT, PUNK_TRANSFER
from common.chain.transfers import TRANSFER
from common.chain.types import RpcStats
from tests.integration.evm_code import Event, always, dispatch, emitter, text

if TYPE_CHECKING:
    from tests.integration.stage import Stage

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]
Stored = Callable[..., dict[str, Any]]

WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
SOMEBODY = "0x" + "51" * 20
NOBODY = "0x0"


def number(value: int) -> str:
    return f"{value:064x}"


def unit(sender: str, recipient: str) -> Event:
    return (TRANSFER, sender, recipient), (1,)


def claim(owner: str, punk: int) -> list[Event]:
    return [((ASSIGN, owner), (punk,))]


def transfer(sender: str, recipient: str, punk: int) -> list[Event]:
    return [unit(sender, recipient), ((PUNK_TRANSFER, sender, recipient), (punk,))]


def purchase(seller: str, buyer: str, punk: int, price: int) -> list[Event]:
    return [
        unit(seller, buyer),
        ((PUNK_BOUGHT, number(punk), seller, buyer), (price,)),
    ]


def accepted_bid(seller: str, bidder: str, punk: int) -> list[Event]:
    """The contract forgets the bid before it logs it."""
    return [
        unit(seller, bidder),
        ((PUNK_BOUGHT, number(punk), seller, NOBODY), (0,)),
    ]


@pytest.fixture
def punks(stage: "Stage") -> Callable[..., None]:
    """Return a function that lets the collection log events, and count the wallet's punks."""

    def happen(events: Sequence[Event], held: int) -> None:
        answers = {
            "58178168": always(int(WALLET, 16)),
            "70a08231": always(held),
            "06fdde03": text(b"CRYPTOPUNKS"),
        }
        answer = dispatch(answers, otherwise="60006000fd")
        stage.call("anvil_setCode", COLLECTION, emitter(answer, events))
        stage.emit(COLLECTION)

    return happen


async def test_punks_are_found_however_they_came_and_are_no_coin(
    stage: "Stage", snapshot: Snapshot, stored: Stored, punks: Callable[..., None]
) -> None:
    punks(claim(WALLET, 1), 1)
    punks(transfer(SOMEBODY, WALLET, 2), 2)
    punks(accepted_bid(SOMEBODY, WALLET, 3), 3)
    punks(purchase(SOMEBODY, WALLET, 4, 99), 4)
    punks(purchase(WALLET, SOMEBODY, 4, 120), 3)
    punks(accepted_bid(WALLET, SOMEBODY, 2), 2)
    stage.finish()

    with stage.mainnet():
        first, _ = await snapshot(stage.url, WALLET, chain_id=1)
        again, stats = await snapshot(stage.url, WALLET, chain_id=1)

    found = first.result
    assert [
        (each.contract_address, each.standard, each.token_id, each.collection_name)
        for each in found.nfts or []
    ] == [
        (COLLECTION, "cryptopunks", "3", "CRYPTOPUNKS"),
        (COLLECTION, "cryptopunks", "1", "CRYPTOPUNKS"),
    ]
    assert [(each.direction, each.token_id) for each in found.token_transfers or []] == [
        ("out", "2"),
        ("out", "4"),
        ("in", "4"),
        ("in", "3"),
        ("in", "2"),
        ("in", "1"),
    ]
    assert {each.standard for each in found.token_transfers or []} == {"cryptopunks"}
    assert (found.tokens, found.past_tokens, found.disputed_nfts) == ([], [], [])
    assert [(each.standard, each.owned_count) for each in found.nft_collections or []] == [
        ("cryptopunks", 2)
    ]
    assert again == first
    assert "eth_getLogs" not in stats.by_method

    punks(transfer(WALLET, SOMEBODY, 1), 1)
    stage.finish()
    earlier = stored(first, stage.url, chain_id=1)
    with stage.mainnet():
        later, _ = await snapshot(stage.url, WALLET, chain_id=1, previous=earlier)
    assert later.result.changes_since_previous is not None
    changes = later.result.changes_since_previous.assets
    assert [(each.kind, each.token_id, each.end_raw, each.reason) for each in changes] == [
        ("cryptopunks", "1", "0", None)
    ]


async def test_a_punk_that_was_claimed_and_never_moved_is_found(
    stage: "Stage", snapshot: Snapshot, punks: Callable[..., None]
) -> None:
    punks(claim(WALLET, 8_888), 1)
    stage.finish()

    with stage.mainnet():
        report, _ = await snapshot(stage.url, WALLET, chain_id=1)

    assert [each.token_id for each in report.result.nfts or []] == ["8888"]


async def test_a_wallet_that_never_had_a_punk_is_searched_no_further(
    stage: "Stage", snapshot: Snapshot, punks: Callable[..., None]
) -> None:
    punks(transfer(SOMEBODY, "0x" + "52" * 20, 5), 0)
    stage.finish()

    with stage.mainnet():
        report, _ = await snapshot(stage.url, WALLET, chain_id=1)
        stage.finish()
        _, on_mainnet = await snapshot(stage.url, WALLET, chain_id=1)
    await snapshot(stage.url, WALLET)
    stage.finish()
    _, elsewhere = await snapshot(stage.url, WALLET)

    assert (report.result.nfts, report.result.token_transfers) == ([], [])
    assert on_mainnet.by_method["eth_getLogs"] == elsewhere.by_method["eth_getLogs"]
