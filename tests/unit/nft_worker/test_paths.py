"""Paths of tokens, with custody left out."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from nft_worker.analysis.paths import accounts_to_classify
from nft_worker.analysis.trading import read_trading

if TYPE_CHECKING:
    from tests.unit.nft_worker.conftest import Story


def stretches(story: "Story") -> list[list[str]]:
    """Return the holders of each stretch of the only token, by name."""
    [path] = read_trading(story.history()).paths
    return [
        [_name(stretch[0].sender), *(_name(hop.recipient) for hop in stretch)]
        for stretch in path.stretches
    ]


def _name(address: str) -> str:
    return bytes.fromhex(address[2:]).lstrip(b"\0").decode()


def test_owner_to_vault_and_back_leaves_no_hop(story: "Story") -> None:
    story.place_contracts("box")
    story.move(1, "", "a", hours=0)
    story.move(1, "a", "box", hours=1)
    story.move(1, "box", "a", hours=2)
    story.move(1, "a", "b", hours=3)

    assert stretches(story) == [["", "a", "b"]]


def test_a_pool_that_gives_the_token_to_somebody_else_ends_the_stretch(story: "Story") -> None:
    story.place_contracts("box")
    story.move(1, "a", "b", hours=0)
    story.move(1, "b", "box", hours=1)
    story.move(1, "box", "a", hours=2)
    story.move(1, "a", "b", hours=3)

    assert stretches(story) == [["a", "b", "box"], ["box", "a", "b"]]


def test_a_token_minted_again_after_its_burn_begins_a_new_stretch(story: "Story") -> None:
    story.move(1, "", "a", hours=0)
    story.move(1, "a", "", hours=1)
    story.move(1, "", "a", hours=2)

    assert stretches(story) == [["", "a", ""], ["", "a"]]


def test_a_gap_in_the_way_begins_a_new_stretch(story: "Story") -> None:
    story.move(1, "a", "b", hours=0)
    story.move(1, "c", "a", hours=1)

    assert stretches(story) == [["a", "b"], ["c", "a"]]


def test_a_token_staying_in_the_vault_is_still_its_owners(story: "Story") -> None:
    story.place_contracts("box")
    story.move(1, "", "a", hours=0)
    story.move(1, "a", "box", hours=1)

    assert stretches(story) == [["", "a"]]


def test_only_what_lies_between_returns_needs_to_be_classified(story: "Story") -> None:
    for hour, (giver, taker) in enumerate(pairwise("abcbde")):
        story.move(1, giver, taker, hours=hour)
    story.move(2, "x", "agent", "y", hours=9)

    found = {_name(account) for account in accounts_to_classify(story.transfers)}

    assert found == {"b", "c", "agent"}


@given(st.lists(st.sampled_from("abcde"), min_size=2, max_size=30))
def test_without_contracts_a_walk_stays_in_one_piece(
    new_story: Callable[..., "Story"], holders: list[str]
) -> None:
    story = new_story()
    for hour, (giver, taker) in enumerate(pairwise(holders)):
        story.move(1, giver, taker, hours=hour)

    pieces = stretches(story)

    walked = [
        holder for index, holder in enumerate(holders) if holders[index - 1 : index] != [holder]
    ]
    assert pieces == ([walked] if len(walked) > 1 else [])
