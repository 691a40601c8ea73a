"""Statistics against slow and plain definitions."""

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.statistics import gini, hhi, nakamoto, percentile, robust_z

VALUES = st.lists(st.integers(0, 2**256 - 1), min_size=1, max_size=30)


@given(VALUES)
def test_gini_is_the_mean_difference_of_all_pairs(values: list[int]) -> None:
    found = gini(sorted(values))

    if sum(values) == 0:
        assert found is None
        return
    pairs = sum(abs(a - b) for a in values for b in values)
    expected = Fraction(pairs, 2 * len(values) * sum(values))
    assert found == pytest.approx(float(expected), abs=1e-12)


@given(VALUES, st.randoms())
def test_hhi_is_the_sum_of_squared_shares_in_any_order(values: list[int], random: Random) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)

    assert hhi(values) == hhi(shuffled)
    if total := sum(values):
        expected = sum((Fraction(each, total) ** 2 for each in values), Fraction(0))
        assert hhi(values) == pytest.approx(float(expected), rel=1e-12)


@given(VALUES)
def test_nakamoto_holders_have_more_than_half_and_one_less_has_not(values: list[int]) -> None:
    count = nakamoto(sorted(values))

    if sum(values) == 0:
        assert count is None
        return
    assert count is not None
    richest = sorted(values, reverse=True)
    assert 2 * sum(richest[:count]) > sum(values)
    assert 2 * sum(richest[: count - 1]) <= sum(values)


def test_exactly_half_is_no_majority() -> None:
    assert nakamoto([25, 25, 50]) == 2


@given(VALUES, st.integers(1, 100))
def test_a_percentile_is_the_least_value_with_enough_at_or_below_it(
    values: list[int], percent: int
) -> None:
    enough = [
        value
        for value in values
        if sum(other <= value for other in values) * 100 >= percent * len(values)
    ]

    assert percentile(sorted(values), percent) == min(enough)


def test_nothing_to_spread_has_no_concentration() -> None:
    assert (gini([]), hhi([]), nakamoto([])) == (None, None, None)
    with pytest.raises(IndexError):
        percentile([], 50)


def test_the_robust_z_of_hand_made_cases() -> None:
    assert robust_z(10, [1, 2, 3, 4, 5]) == pytest.approx(0.6745 * 7)
    assert robust_z(10, [0, 0, 0, 0, 5]) == pytest.approx(10 / 1.2533)
    assert robust_z(10, [3, 3, 3]) is None
    assert robust_z(2**256 - 1, [2**255, 2**255 + 1, 2**254]) is not None
