import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_worker.analysis.deviation import is_drop, is_spike, measure_deviation


def test_percent_and_robust_z_of_a_hand_made_case() -> None:
    # median 10, distances 0 0 1 1 1 2 2 2 -> MAD 1
    deviation = measure_deviation(30, [10, 10, 9, 11, 11, 8, 12, 8])

    assert deviation is not None
    assert deviation.baseline == 10
    assert deviation.pct == 200.0
    assert deviation.z_score == pytest.approx(0.6745 * 20 / 1)


def test_where_most_values_are_equal_the_mean_deviation_stands_in() -> None:
    deviation = measure_deviation(4, [1, 1, 1, 1, 1, 1, 1, 9])

    assert deviation is not None
    assert deviation.z_score == pytest.approx((4 - 1) / (1.2533 * 1.0))


def test_one_outlier_does_not_hide_a_spike() -> None:
    quiet = [10, 12, 9, 11, 10, 13, 8, 10]

    assert is_spike(measure_deviation(60, [*quiet, 1_000]), 200, 3.5)


def test_fewer_than_eight_values_are_no_baseline() -> None:
    assert measure_deviation(100, [1] * 7) is None
    assert not is_spike(None, 200, 3.5)
    assert not is_drop(None, 80, 3.5)


def test_only_the_newest_twenty_four_values_count() -> None:
    deviation = measure_deviation(5, [1_000] * 50 + [1, 2, 3] * 8)

    assert deviation is not None
    assert deviation.baseline == 2


def test_a_noisy_token_needs_more_than_the_percentage() -> None:
    noisy = [1, 40, 2, 60, 3, 55, 1, 70, 2, 65]

    assert not is_spike(measure_deviation(100, noisy), 200, 3.5)


def test_a_steady_token_needs_more_than_the_z_score() -> None:
    steady = [100, 101, 99, 100, 101, 99, 100, 100]

    assert not is_spike(measure_deviation(130, steady), 200, 3.5)


def test_from_nothing_any_increase_is_a_spike_and_nothing_is_a_drop() -> None:
    deviation = measure_deviation(10, [0] * 10)

    assert deviation is not None
    assert (deviation.pct, deviation.z_score) == (None, None)
    assert is_spike(deviation, 200, 3.5)
    assert not is_drop(deviation, 80, 3.5)


def test_a_fall_below_the_baseline_is_a_drop() -> None:
    assert is_drop(measure_deviation(1, [100, 101, 99, 100, 102, 98, 100, 100]), 80, 3.5)
    assert not is_drop(measure_deviation(30, [100, 101, 99, 100, 102, 98, 100, 100]), 80, 3.5)


@given(st.lists(st.integers(0, 2**256 - 1), min_size=8, max_size=30), st.integers(0, 2**256 - 1))
def test_no_amount_is_too_large_to_compare(earlier: list[int], value: int) -> None:
    deviation = measure_deviation(value, earlier)

    assert deviation is not None
    assert deviation.pct is None or deviation.pct >= -100
