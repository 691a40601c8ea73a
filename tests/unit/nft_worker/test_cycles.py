"""Tokens that come back: which, how fast, and with networkx as the oracle."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from common.chain.transfers import NftTransfer
from nft_worker.analysis.rules.cycles import Cycle, find_cycles
from nft_worker.analysis.trading import read_trading

if TYPE_CHECKING:
    from tests.unit.nft_worker.conftest import Story

DAYS_30 = 30 * 86_400
walks = st.lists(st.sampled_from("abcdefg"), min_size=2, max_size=40)


def cycles_of(story: "Story", seconds: float = DAYS_30) -> list[Cycle]:
    history = story.history()
    paths = read_trading(history).paths
    times = history.moves.times(slice(None))
    return find_cycles(paths, history.contracts, times, longest_seconds=seconds)


def walk(story: "Story", holders: list[str]) -> list[NftTransfer]:
    for hour, (giver, taker) in enumerate(pairwise(holders)):
        story.move(1, giver, taker, hours=hour)
    return [hop for hop in story.transfers if hop.sender != hop.recipient]


def test_a_ring_of_three_closes_at_the_wallet_it_began_with(story: "Story") -> None:
    hops = walk(story, ["a", "b", "c", "a"])

    [cycle] = cycles_of(story)

    assert (list(cycle.hops), cycle.seconds) == (hops, 2 * 3_600)


def test_a_cycle_that_takes_too_long_is_none(story: "Story") -> None:
    story.move(1, "a", "b", hours=0)
    story.move(1, "b", "a", hours=24 * 30 + 1)

    assert cycles_of(story) == []


def test_a_late_return_does_not_hide_a_fast_one(story: "Story") -> None:
    story.move(1, "a", "b", hours=0)
    story.move(1, "b", "a", hours=24 * 40)
    story.move(1, "a", "b", hours=24 * 40 + 1)

    [cycle] = cycles_of(story)

    assert cycle.seconds == 3_600


def test_a_loop_on_the_way_is_a_cycle_of_its_own(story: "Story") -> None:
    hops = walk(story, ["a", "b", "c", "b", "a"])

    assert [list(cycle.hops) for cycle in cycles_of(story)] == [hops[1:3], [hops[0], hops[3]]]


def test_mint_and_burn_close_no_cycle(story: "Story") -> None:
    walk(story, ["", "a", "", "a"])

    assert cycles_of(story) == []


@given(walks)
def test_every_cycle_is_a_simple_cycle_of_the_trade_graph(
    new_story: Callable[..., "Story"], holders: list[str]
) -> None:
    story = new_story()
    graph = nx.DiGraph((hop.sender, hop.recipient) for hop in walk(story, holders))
    simple = {frozenset(zip(c, c[1:] + c[:1], strict=True)) for c in nx.simple_cycles(graph)}

    for cycle in cycles_of(story):
        edges = [(hop.sender, hop.recipient) for hop in cycle.hops]
        assert frozenset(edges) in simple
        assert len(set(edges)) == len(edges)


@given(walks)
def test_a_hop_is_in_a_cycle_exactly_when_its_ends_are_strongly_connected(
    new_story: Callable[..., "Story"], holders: list[str]
) -> None:
    story = new_story()
    hops = walk(story, holders)
    graph = nx.DiGraph((hop.sender, hop.recipient) for hop in hops)
    component = {
        wallet: number
        for number, wallets in enumerate(nx.strongly_connected_components(graph))
        for wallet in wallets
    }

    found = {hop for cycle in cycles_of(story) for hop in cycle.hops}

    assert found == {hop for hop in hops if component[hop.sender] == component[hop.recipient]}


@given(walks, st.integers(1, 30))
def test_a_longer_time_finds_every_cycle_that_a_shorter_one_finds(
    new_story: Callable[..., "Story"], holders: list[str], hours: int
) -> None:
    story = new_story()
    walk(story, holders)

    shorter = {cycle.hops for cycle in cycles_of(story, hours * 3_600)}
    longer = {cycle.hops for cycle in cycles_of(story, (hours + 1) * 3_600)}

    assert shorter <= longer
