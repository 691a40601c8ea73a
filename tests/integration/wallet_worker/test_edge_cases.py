"""What real contracts do to a wallet, on a real node: nothing is lost, doubled or made up."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot
from common.chain.transfers import (
    CONSECUTIVE_TRANSFER,
    TRANSFER,
    TRANSFER_BATCH,
    WETH_DEPOSIT,
    WETH_WITHDRAWAL,
)
from common.chain.types import RpcStats
from common.results.wallet_snapshot import TokenHolding
from tests.integration.evm_code import REVERTS, Event, always, dispatch, text, words

if TYPE_CHECKING:
    from tests.integration.stage import Stage

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]
Stored = Callable[..., dict[str, Any]]
Database = AsyncDatabase[dict[str, Any]]

WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
SOMEBODY = "0x" + "51" * 20
NOBODY = "0x0"
DEAD = "0x" + "0" * 36 + "dead"
ETHER = 10**18
NAME, SYMBOL, DECIMALS = "06fdde03", "95d89b41", "313ce567"
OTS, TRACES = "ots_searchTransactionsBefore", "trace_filter"


def moved(sender: str, recipient: str, amount: int) -> Event:
    return (TRANSFER, sender, recipient), (amount,)


def batch(ids: Sequence[int], amounts: Sequence[int]) -> Event:
    """An ERC-1155 batch to the wallet, its two arrays one after the other."""
    arrays = [len(ids), *ids, len(amounts), *amounts]
    return (TRANSFER_BATCH, SOMEBODY, SOMEBODY, WALLET), (64, 96 + 32 * len(ids), *arrays)


def only(report: Report[WalletSnapshot]) -> TokenHolding:
    [token] = [*(report.result.tokens or []), *(report.result.past_tokens or [])]
    return token


def codes(report: Report[WalletSnapshot]) -> list[str]:
    return [warning.code for warning in report.result.warnings]


@pytest.mark.parametrize(
    ("answer", "symbol", "status"),
    [
        (text(b"A" * 10_000), "A" * 255, "ok"),
        (text(b"U\0S\0D\0"), "USD", "ok"),
        (text(b"\0" * 40), "", "ok"),
        (text(b""), "", "ok"),
        (text(b"\xff\xfeUSD"), "\N{REPLACEMENT CHARACTER}" * 2 + "USD", "invalid"),
        (text("U\u0405D\u0421".encode()), "U\u0405D\u0421", "ok"),
        (words(int.from_bytes(b"MKR".ljust(32, b"\0"), "big")), "MKR", "bytes32"),
        (words(32, 10**6), None, "invalid"),  # a text that ends outside the answer
        (REVERTS, None, "missing"),
    ],
    ids=["10 kB", "NULs", "only NULs", "empty", "no UTF-8", "Cyrillic", "bytes32", "cut", "none"],
)
async def test_a_symbol_is_shown_as_far_as_it_is_one_and_can_be_stored(
    stage: "Stage",
    snapshot: Snapshot,
    stored: Stored,
    database: Database,
    answer: str,
    symbol: str | None,
    status: str,
) -> None:
    answers = {NAME: text(b"Coin"), SYMBOL: answer, DECIMALS: words(6)}
    code = dispatch(answers, otherwise=words(5))
    stage.emit(stage.place_emitter(code, [moved(SOMEBODY, WALLET, 5)]))
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)
    document = stored(report, stage.url)
    await database["wallet_snapshots"].insert_one(document)

    token = only(report)
    assert (token.symbol, token.metadata_status) == (symbol, status)
    assert (token.balance_raw, token.balance) == ("5", "0.000005")
    assert await database["wallet_snapshots"].find_one({"_id": document["_id"]}) is not None


async def test_a_contract_that_answers_everything_alike_is_read_as_far_as_that_makes_sense(
    stage: "Stage", snapshot: Snapshot
) -> None:
    stage.emit(stage.place_emitter(always(18), [moved(SOMEBODY, WALLET, 18)]))
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)

    token = only(report)
    assert (token.name, token.symbol, token.metadata_status) == ("", "", "bytes32")
    assert (token.decimals, token.unexplained_raw) == (18, "0")


@pytest.mark.parametrize(
    ("answer", "decimals", "amount"),
    [
        (words(0), 0, "5"),
        (words(6), 6, "0.000005"),
        (words(24), 24, f"0.{5:024d}"),
        (words(77), 77, f"0.{5:077d}"),
        (words(78), 78, f"0.{5:078d}"),
        (words(79), None, None),
        (REVERTS, None, None),
    ],
)
async def test_an_amount_has_the_decimals_that_make_sense(
    stage: "Stage", snapshot: Snapshot, answer: str, decimals: int | None, amount: str | None
) -> None:
    code = dispatch({DECIMALS: answer, SYMBOL: text(b"ODD"), NAME: text(b"Odd")}, words(5))
    stage.emit(stage.place_emitter(code, [moved(SOMEBODY, WALLET, 5)]))
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)

    token = only(report)
    assert (token.decimals, token.balance, token.balance_raw) == (decimals, amount, "5")


async def test_what_follows_no_layout_is_counted_and_spoils_nothing_beside_it(
    stage: "Stage", snapshot: Snapshot
) -> None:
    dirty = "0x" + "f" * 24 + SOMEBODY[2:]
    odd: list[Event] = [
        ((TRANSFER, SOMEBODY, WALLET), ()),  # no amount
        ((TRANSFER, SOMEBODY, WALLET), (1, 2)),
        ((TRANSFER, dirty, WALLET), (1,)),
        ((TRANSFER, WALLET), (1, 2)),  # parties not indexed as they should be
        ((TRANSFER, SOMEBODY, WALLET, f"{9:064x}"), (1,)),  # an id, and an amount
    ]
    coin = stage.place_emitter(always(5), [*odd, moved(SOMEBODY, WALLET, 5)])
    owner = always(int(WALLET, 16))
    nft = stage.place_emitter(owner, [((TRANSFER, SOMEBODY, WALLET, f"{7:064x}"), ())])
    stage.emit(coin)
    stage.emit(nft)
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)

    assert codes(report) == ["undecodable_logs"]
    assert f"{len(odd)} logs" in report.result.warnings[0].detail
    assert (only(report).contract_address, only(report).unexplained_raw) == (coin, "0")
    assert [(each.contract_address, each.token_id) for each in report.result.nfts or []] == [
        (nft, "7")
    ]


async def test_batches_of_any_shape_are_unrolled_or_counted(
    stage: "Stage", snapshot: Snapshot
) -> None:
    many = range(1_000, 2_000)
    shapes = [
        batch([5, 5, 6], [1, 2, 0]),  # an id twice, and nothing of another
        batch([], []),
        batch([1, 2], [1]),
        batch(many, [1] * len(many)),
    ]
    collection = stage.place_emitter(always(3), shapes)
    stage.emit(collection)
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)
    found = report.result

    assert codes(report) == ["undecodable_logs"]  # the one of unequal lengths
    assert found.token_transfers_total == 3 + len(many)
    assert found.nfts_total == 2 + len(many)
    assert [(each.owned_count, each.standard) for each in found.nft_collections or []] == [
        (2 + len(many), "erc1155")
    ]


async def test_a_mint_of_a_whole_range_is_every_id_of_it(
    stage: "Stage", snapshot: Snapshot
) -> None:
    mint: Event = ((CONSECUTIVE_TRANSFER, f"{100:064x}", NOBODY, WALLET), (149,))
    passed_on: Event = ((TRANSFER, WALLET, SOMEBODY, f"{120:064x}"), ())
    stage.emit(stage.place_emitter(always(int(WALLET, 16)), [mint, passed_on]))
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)

    ids = {int(each.token_id) for each in report.result.nfts or []}
    assert ids == set(range(100, 150)) - {120}


async def test_what_is_minted_and_burned_in_one_block_adds_up_to_what_is_left(
    stage: "Stage", snapshot: Snapshot
) -> None:
    token_id = f"{7:064x}"
    coin = stage.place_emitter(
        always(3),
        [
            moved(NOBODY, WALLET, 7),
            moved(WALLET, NOBODY, 7),
            moved(NOBODY, WALLET, 5),
            moved(WALLET, DEAD, 2),
        ],
    )
    nft = stage.place_emitter(
        REVERTS,
        [((TRANSFER, NOBODY, WALLET, token_id), ()), ((TRANSFER, WALLET, NOBODY, token_id), ())],
    )
    for contract in (coin, nft):
        stage.call(
            "eth_sendTransaction", {"from": stage.account, "to": contract, "gas": "0x100000"}
        )
    stage.call("evm_mine")
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)
    found = report.result

    token = only(report)
    assert (token.received_raw, token.sent_raw, token.balance_raw) == ("12", "9", "3")
    assert (token.unexplained_raw, token.transfer_count) == ("0", 4)
    assert (found.nfts, found.disputed_nfts, found.token_transfers_total) == ([], [], 6)
    assert [each.direction for each in found.token_transfers or []].count("in") == 3
    assert [each.address for each in found.counterparties or []] == [DEAD]


async def test_a_wrap_counts_once_whether_a_transfer_tells_of_it_or_not(
    stage: "Stage", snapshot: Snapshot
) -> None:
    silent = stage.place_emitter(
        always(6), [((WETH_DEPOSIT, WALLET), (10,)), ((WETH_WITHDRAWAL, WALLET), (4,))]
    )
    both = stage.place_emitter(
        always(6),
        [
            ((WETH_DEPOSIT, WALLET), (10,)),
            moved(NOBODY, WALLET, 10),
            ((WETH_WITHDRAWAL, WALLET), (4,)),
            moved(WALLET, NOBODY, 4),
        ],
    )
    stage.emit(silent)
    stage.emit(both)
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)
    found = report.result

    assert {
        each.contract_address: (each.received_raw, each.sent_raw, each.unexplained_raw)
        for each in found.tokens or []
    } == {silent: ("10", "4", "0"), both: ("10", "4", "0")}
    assert {each.contract_address for each in found.wraps or []} == {silent}
    assert {each.contract_address for each in found.token_transfers or []} == {both}


async def test_nothing_sent_by_the_owner_stays_visible_and_is_no_poisoning(
    stage: "Stage", snapshot: Snapshot
) -> None:
    stage.call("anvil_impersonateAccount", WALLET)
    stage.call("anvil_setBalance", WALLET, hex(ETHER))
    token = stage.place_emitter(always(0), [moved(WALLET, SOMEBODY, 0)])
    own = stage.emit(token, **{"from": WALLET})
    forged = stage.emit(token)
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)

    assert {
        each.tx_hash: [reason.code for reason in each.poisoning_reasons]
        for each in report.result.token_transfers or []
    } == {own: [], forged: ["zero_value_not_sent_by_owner"]}


@pytest.mark.parametrize("refused", [(), (OTS,), (OTS, TRACES)])
async def test_a_contract_wallet_that_pays_from_inside_is_reconciled(
    stage: "Stage",
    snapshot: Snapshot,
    stored: Stored,
    refusing: Callable[..., Awaitable[str]],
    refused: tuple[str, ...],
) -> None:
    pays_as_told = "0x6000600060006000" + "602035" + "600035" + "5af100"
    stage.call("anvil_setCode", WALLET, pays_as_told)
    stage.call("anvil_setBalance", WALLET, hex(10 * ETHER))
    stage.finish()
    url = await refusing(refused, {"code": -32601, "message": "Method not found"}, stage.url)
    first, _ = await snapshot(url, WALLET)
    order = f"0x{int(SOMEBODY, 16):064x}{2 * ETHER:064x}"
    digest = stage.pay(stage.account, WALLET, ETHER, data=order)
    stage.finish()

    second, _ = await snapshot(url, WALLET, previous=stored(first, stage.url))
    found = second.result

    assert found.wallet.is_contract
    assert found.transactions is not None
    assert found.transactions.sent_total is None
    assert [
        (each.kind, each.direction, each.recipient, each.value, each.tx_hash)
        for each in found.transactions.payments
    ] == [("internal", "out", SOMEBODY, "2", digest)]
    assert [(each.direction, each.value) for each in found.transactions.items] == [("in", "1")]
    assert found.changes_since_previous is not None
    [change] = found.changes_since_previous.assets
    assert (change.in_raw, change.out_raw) == (str(ETHER), str(2 * ETHER))
    assert (change.end_raw, change.unexplained_raw) == (str(9 * ETHER), "0")
