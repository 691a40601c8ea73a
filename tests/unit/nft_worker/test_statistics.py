"""Order statistics and concentration, against slow and plain definitions."""

from statistics import median as plain_median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nft_worker.analysis.statistics import gini, median, nearest_rank, robust_z_score

values = st.lists(st.integers(0, 10**30), min_size=1, max_size=40)


@given(values, st.integers(1, 100))
def test_a_percentile_is_the_least_value_with_enough_at_or_below_it(
    numbers: list[int], percent: int
) -> None:
    found = nearest_rank(sorted(numbers), percent)

    enough = [
        value
        for value in numbers
        if sum(other <= value for other in numbers) * 100 >= percent * len(numbers)
    ]
    assert found == min(enough)


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=40))
def test_the_median_is_the_usual_one(numbers: list[int]) -> None:
    assert median(sorted(numbers)) == plain_median(numbers)


@given(values)
def test_gini_is_the_mean_difference_between_holders(numbers: list[int]) -> None:
    total, count = sum(numbers), len(numbers)
    found = gini(sorted(numbers))
    if total == 0:
        assert found is None
        return
    differences = sum(abs(one - other) for one in numbers for other in numbers)
    assert found == pytest.approx(differences / (2 * count * total), abs=1e-12)


def test_the_robust_z_falls_back_where_most_values_are_equal() -> None:
    assert robust_z_score(10, [1, 2, 3, 4, 5]) == pytest.approx(0.6745 * 7)
    assert robust_z_score(10, [0, 0, 0, 0, 5]) == pytest.approx(10 / 1.2533)
    assert robust_z_score(10, [3, 3, 3]) is None
