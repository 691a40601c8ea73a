"""Tables of movements and sales lose nothing, and no rule misses what it looks for."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.chain.transfers import NftTransfer
from common.chain.types import Address
from nft_worker.analysis import arrays
from nft_worker.analysis.movement_table import movements
from nft_worker.analysis.paths import accounts_to_classify
from nft_worker.analysis.sale_masks import Resales, foremost_resales, resales
from nft_worker.analysis.sale_table import sale_table
from nft_worker.analysis.token_paths import TokenPaths, suspected_custodians
from nft_worker.analysis.trading import read_trading
from nft_worker.models import Sale, position

if TYPE_CHECKING:
    from tests.unit.nft_worker.conftest import Story

COLLECTION = Address("0x" + "c0" * 20)
NAMES = "abcd"
accounts = st.integers(0, 4).map(lambda number: Address(f"0x{number:040x}"))
uint256 = st.integers(0, 2**256 - 1)
transfers = st.lists(
    st.builds(
        NftTransfer,
        st.just(COLLECTION),
        st.sampled_from(["erc721", "erc1155"]),
        st.none() | accounts,
        accounts,
        accounts,
        uint256 | st.integers(1, 3),
        uint256,
        st.integers(1, 4),
        uint256.map(lambda digest: f"0x{digest:064x}"),
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    max_size=12,
    unique_by=position,
)
times = {block: 1_000 + 12 * block for block in range(5)}


@pytest.fixture(params=[2, 65_536], ids=["in small chunks", "in one"])
def chunked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "CHUNK", request.param)


@pytest.mark.usefixtures("chunked")
@given(transfers)
def test_movements_come_out_of_a_table_as_they_went_in(given_moves: list[NftTransfer]) -> None:
    table = movements(COLLECTION, given_moves, times)

    assert table.pick(np.arange(len(table))) == sorted(given_moves, key=position)


@pytest.mark.usefixtures("chunked")
@given(transfers, st.data())
def test_sales_come_out_of_a_table_as_they_went_in(
    given_moves: list[NftTransfer], data: st.DataObject
) -> None:
    table = movements(COLLECTION, given_moves, times)
    sales = [
        Sale(
            token_id=move.token_id,
            quantity=move.amount,
            standard=move.standard,
            seller=move.sender,
            buyer=move.recipient,
            currency=data.draw(st.sampled_from(["native", None])),
            price=data.draw(st.none() | uint256),
            price_source=data.draw(st.sampled_from(["event", "tx_value", "erc20_legs", "none"])),
            price_estimated=data.draw(st.booleans()),
            is_bundle=data.draw(st.booleans()),
            timestamp=times[move.block_number],
            block_number=move.block_number,
            transaction_hash=move.transaction_hash,
            log_index=move.log_index,
            batch_index=move.batch_index,
            marketplace=data.draw(st.sampled_from(["seaport", None])),
        )
        for move in table.pick(np.arange(len(table)))
        if data.draw(st.booleans())
    ]

    found = sale_table(iter(sales), table)

    assert found.pick(np.arange(len(found))) == sales


steps = st.lists(
    st.tuples(st.integers(1, 2), st.sampled_from(NAMES), st.integers(0, 30)), max_size=20
)


def told(story: "Story", walk: list[tuple[int, str, int]]) -> "Story":
    """Let tokens be sold from holder to holder, some hours apart."""
    owners: dict[int, str] = {}
    hours = 0
    for token, taker, wait in walk:
        hours += wait
        story.sell(token, owners.get(token, "m"), taker, 100, hours=hours)
        owners[token] = taker
    return story


@given(steps, st.integers(0, 60))
def test_no_token_that_came_back_in_time_is_missed(
    new_story: Callable[..., "Story"], walk: list[tuple[int, str, int]], limit: int
) -> None:
    story = told(new_story(), walk)
    moves = story.history().moves
    sent = [(m.token_id, m.sender, m.recipient, m.block_number) for m in story.transfers]
    back = {
        token
        for token, sender, _, left in sent
        for other, _, recipient, came in sent
        if (token, sender) == (other, recipient) and came >= left
        if story.timestamps[came] - story.timestamps[left] <= limit * 3_600
    }

    wanted = TokenPaths(moves, ()).with_returns(limit * 3_600)

    ids = moves.tokens.values()
    assert {ids[number] for number in np.flatnonzero(wanted).tolist()} >= back
    assert suspected_custodians(moves) == accounts_to_classify(
        [move for move in story.transfers if move.token_id in _twice_held(sent)]
    )


def _twice_held(sent: list[tuple[int, Address, Address, int]]) -> set[int]:
    ways: dict[int, list[Address]] = {}
    for token, sender, recipient, _ in sent:
        way = ways.setdefault(token, [sender])
        way.append(recipient)
    return {token for token, way in ways.items() if len(set(way)) < len(way)}


@given(steps, st.integers(1, 5), st.data())
def test_resales_left_out_would_not_be_shown(
    new_story: Callable[..., "Story"],
    walk: list[tuple[int, str, int]],
    count: int,
    data: st.DataObject,
) -> None:
    trading = read_trading(told(new_story(), walk).history())
    sales = trading.all_sales
    suspected = np.array(
        data.draw(st.lists(st.booleans(), min_size=len(sales), max_size=len(sales))), np.bool_
    )
    found = resales(sales, np.ones(len(sales), np.bool_), 0, 24 * 3_600)

    kept = foremost_resales(sales, found, suspected, 3_600, count)

    def instant(bought: int, sold: int) -> bool:
        return bool(sales.seconds[sold] - sales.seconds[bought] <= 3_600)

    def pairs(some: Resales) -> list[tuple[int, int]]:
        return list(zip(some.bought.tolist(), some.sold.tolist(), strict=True))

    by_score = sorted(
        pairs(found), key=lambda p: (not suspected[list(p)].any(), -sales.seconds[p[1]])
    )
    by_severity = sorted(pairs(found), key=lambda p: (not instant(*p), -sales.seconds[p[1]]))
    assert {*by_score[:count], *by_severity[:count]} <= set(pairs(kept))


def test_resales_are_to_somebody_else_and_by_the_buyer(story: "Story") -> None:
    for hour, (seller, buyer) in enumerate(pairwise("abccba")):
        story.sell(1, seller, buyer, 100, hours=hour)
    sales = read_trading(story.history()).all_sales

    found = resales(sales, np.ones(len(sales), np.bool_), 0, 24 * 3_600)

    flips = zip(sales.pick(found.bought), sales.pick(found.sold), strict=True)
    assert [(bought.seller[-2:], sold.seller[-2:], sold.buyer[-2:]) for bought, sold in flips] == [
        ("61", "62", "63"),
        ("63", "62", "61"),
    ]
