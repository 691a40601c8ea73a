from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from token_worker.analysis.exact import fraction_of, least_amount, sum_by_group, to_limbs

UINT256 = st.integers(0, 2**256 - 1)


@given(st.lists(st.tuples(st.integers(0, 4), UINT256), max_size=40))
def test_sums_by_group_are_exact_at_256_bits(rows: list[tuple[int, int]]) -> None:
    groups = np.array([group for group, _ in rows], dtype=np.int64)

    sums = sum_by_group(to_limbs([amount for _, amount in rows]), groups, 5)

    assert sums == [sum(amount for group, amount in rows if group == g) for g in range(5)]


def test_many_of_the_largest_amounts_do_not_overflow() -> None:
    groups = np.zeros(10_000, dtype=np.int64)

    assert sum_by_group(to_limbs([2**256 - 1] * 10_000), groups, 1) == [10_000 * (2**256 - 1)]


def test_a_written_percentage_is_taken_as_written() -> None:
    assert fraction_of(0.1) == Fraction(1, 10)
    assert least_amount(1_000, 0.1) == 1
    assert least_amount(1_001, 0.1) == 2  # 1 of 1,001 is less than 0.1 %


@given(st.integers(0, 2**260), st.floats(1e-6, 100, allow_nan=False))
def test_the_least_amount_reaches_the_percentage_and_one_less_does_not(
    whole: int, pct: float
) -> None:
    least = least_amount(whole, pct)

    assert least >= 1
    assert least * 100 >= fraction_of(pct) * whole
    assert least == 1 or (least - 1) * 100 < fraction_of(pct) * whole
