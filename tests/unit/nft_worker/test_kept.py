"""What runs keep for each other: nothing is lost on the way, and old hops close new cycles."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import bson
from hypothesis import given
from hypothesis import strategies as st

from common.actions.analyze_nft_movements import NftThresholds
from common.chain.transfers import Erc20Transfer, NftTransfer
from common.chain.types import Address
from common.results.envelope import Window
from common.results.nft_movements import NftMovementAnalysis
from nft_worker.analysis.markets.fills import NATIVE, Fill, Item
from nft_worker.analysis.report import analyze
from nft_worker.analysis.trading import read_trading
from nft_worker.analysis.wash_trades import find_wash_trades, judge
from nft_worker.kept import KeptTransaction, document_of, transaction_of
from nft_worker.models import Fundings, Holdings, PaidTransaction

if TYPE_CHECKING:
    from tests.unit.nft_worker.conftest import Story

DAY = 24
addresses = st.integers(0, 2**160 - 1).map(lambda number: Address(f"0x{number:040x}"))
uint256 = st.integers(0, 2**256 - 1)
places = st.integers(0, 10**6)
prices = st.none() | uint256


@st.composite
def transactions(draw: st.DrawFn) -> KeptTransaction:
    block, index, digest = draw(places), draw(places), f"0x{draw(uint256):064x}"
    moves = st.builds(
        NftTransfer,
        addresses,
        st.sampled_from(["erc721", "erc1155"]),
        st.none() | addresses,
        addresses,
        addresses,
        uint256,
        uint256,
        st.just(block),
        st.just(digest),
        st.just(index),
        places,
        places,
    )
    legs = st.builds(
        Erc20Transfer,
        addresses,
        addresses,
        addresses,
        uint256,
        st.just(block),
        st.just(digest),
        st.just(index),
        places,
    )
    fills = st.builds(
        Fill,
        st.sampled_from(["seaport", "blur"]),
        places,
        st.lists(st.builds(Item, addresses, uint256), max_size=3).map(tuple),
        st.none() | st.just(NATIVE) | addresses,
        prices,
    )
    transfers = tuple(draw(st.lists(moves, max_size=3)))
    payment = st.builds(
        PaidTransaction,
        addresses,
        uint256,
        st.lists(legs, max_size=3).map(tuple),
        st.just(transfers) | st.lists(moves, max_size=3).map(tuple),
        st.lists(fills, max_size=3).map(tuple),
        st.none() | st.just("Aave 3"),
    )
    return KeptTransaction(
        digest,
        block,
        index,
        draw(places),
        draw(places),
        draw(places),
        transfers,
        draw(st.none() | payment),
    )


@given(transactions())
def test_a_transaction_survives_the_database_unchanged(kept: KeptTransaction) -> None:
    assert transaction_of(bson.decode(bson.encode(document_of(kept)))) == kept


def analysed(story: "Story", first_of_window: int) -> NftMovementAnalysis:
    """Analyse with the movements before a block as kept ones, the others as the window."""
    whole = story.history()
    history = replace(
        whole,
        window=Window(from_block=first_of_window, to_block=whole.window.to_block),
        window_seconds=(story.timestamps[first_of_window], whole.window_seconds[1]),
        reaches_origin=False,
    )
    trading, cuts = read_trading(history), NftThresholds()
    return analyze(
        history,
        trading,
        Holdings({}, 0, frozenset(), {}),
        {},
        cuts,
        judge(trading, find_wash_trades(history, trading, cuts), Fundings({}), cuts),
        chain_id=1,
        include_alerts=True,
    )


def test_a_cycle_that_closes_weeks_later_is_found_by_the_hops_that_were_kept(
    story: "Story",
) -> None:
    story.sell(1, "a", "b", 100, hours=0)
    story.sell(1, "b", "c", 100, hours=10 * DAY)
    story.sell(2, "x", "y", 100, hours=11 * DAY)
    story.sell(1, "c", "a", 100, hours=28 * DAY)

    found = analysed(story, first_of_window=3)

    [cycle] = [each for each in found.suspicious_patterns if each.type == "closed_cycle"]
    assert (cycle.score, cycle.transactions_total) == (0.6, 3)
    assert (found.summary.sale_count, found.summary.wash_sale_count) == (2, 1)
    assert found.summary.transfer_count == found.transfers_total == 2
    assert [sale.token_id for sale in found.sales if sale.wash.flagged] == ["1"]
    assert any(alert.type == "WASH_TRADE" for alert in found.alerts or [])


def test_what_ended_before_the_window_is_not_told_again(story: "Story") -> None:
    story.sell(1, "a", "b", 100, hours=0)
    story.sell(1, "b", "a", 100, hours=1)
    story.sell(1, "a", "z", 100, hours=200 * DAY)

    found = analysed(story, first_of_window=3)

    assert found.summary.wash_sale_count == 0
    assert found.suspicious_patterns == []
    assert found.alerts == []


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from("abcd"), st.booleans()),
        min_size=1,
        max_size=25,
    ),
    st.data(),
)
def test_a_window_with_kept_hops_judges_its_sales_as_the_whole_history_does(
    new_story: Callable[..., "Story"],
    steps: list[tuple[int, str, bool]],
    data: st.DataObject,
) -> None:
    story = new_story()
    owners: dict[int, str] = {}
    for hour, (token, taker, is_sale) in enumerate(steps):
        giver = owners.get(token, "m")
        owners[token] = taker
        if is_sale:
            story.sell(token, giver, taker, 100, hours=hour)
        else:
            story.move(token, giver, taker, hours=hour)
    first = data.draw(st.integers(1, len(steps)))

    whole, part = story.analyze(), analysed(story, first)

    judged = {
        (sale.transaction_hash, sale.wash.flagged, tuple(sale.wash.filters)) for sale in part.sales
    }
    closed_later = {  # what a later hop made of earlier sales is told in both
        (sale.transaction_hash, sale.wash.flagged, tuple(sale.wash.filters))
        for sale in whole.sales
        if sale.block_number >= first
    }
    assert {entry[0] for entry in judged} == {entry[0] for entry in closed_later}
    touching = {
        (pattern.type, tuple(pattern.transaction_hashes))
        for pattern in whole.suspicious_patterns
        if pattern.type in ("closed_cycle", "circular_transfer", "self_trade", "swap_back")
        and int(pattern.transaction_hashes[-1], 16) >= first
        and pattern.transactions_total <= 20
    }
    told = {
        (pattern.type, tuple(pattern.transaction_hashes)) for pattern in part.suspicious_patterns
    }
    assert touching <= told
    assert judged == closed_later
