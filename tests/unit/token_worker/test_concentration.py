from random import Random

from hypothesis import given
from hypothesis import strategies as st

from token_worker.analysis.concentration import describe_concentration

BALANCES = st.lists(st.integers(1, 2**256 - 1), min_size=1, max_size=30)


@given(BALANCES, st.randoms())
def test_the_order_of_balances_does_not_matter(balances: list[int], random: Random) -> None:
    shuffled = list(balances)
    random.shuffle(shuffled)

    assert describe_concentration(shuffled, sum(balances)) == describe_concentration(
        balances, sum(balances)
    )


def test_exactly_half_is_no_majority() -> None:
    assert describe_concentration([50, 25, 25], 100).nakamoto == 2


def test_equal_holders_have_no_gini_and_one_holder_has_the_largest_hhi() -> None:
    assert describe_concentration([7, 7, 7, 7], 28).gini == 0.0
    assert describe_concentration([7], 7).hhi == 1.0


def test_top_shares_are_of_supply_not_of_what_was_seen() -> None:
    held = describe_concentration([30, 20], 200)

    assert (held.top_1_pct, held.top_10_pct) == (15.0, 25.0)
    assert (held.holders_above_one_pct, held.holders_above_tenth_pct) == (2, 2)


def test_empty_balances_count_for_nobody() -> None:
    held = describe_concentration([0, 0], 100)

    assert held.holder_count == 0
    assert held.gini is None
    assert held.nakamoto is None


def test_without_supply_there_are_no_shares_of_it() -> None:
    held = describe_concentration([5], None)

    assert held.top_1_pct is None
    assert held.holders_above_one_pct is None
    assert held.hhi == 1.0
