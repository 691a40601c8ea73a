from hypothesis import given
from hypothesis import strategies as st

from token_worker.analysis.sizes import describe_sizes, median, percentile

LARGEST = 2**256 - 1
AMOUNTS = st.lists(st.integers(0, LARGEST), min_size=1, max_size=50)


def test_sizes_of_one_to_a_hundred() -> None:
    sizes = describe_sizes(list(range(100, 0, -1)))

    assert (sizes.mean_raw, sizes.median_raw, sizes.max_raw) == ("50", "50", "100")
    assert (sizes.p90_raw, sizes.p95_raw, sizes.p99_raw) == ("90", "95", "99")


def test_the_median_of_an_even_number_is_the_mean_of_two_rounded_down() -> None:
    assert median([1, 4]) == 2
    assert median([6077092894314622845, 6239374609638076677]) == 6158233751976349761


@given(AMOUNTS, st.integers(1, 100))
def test_a_percentile_is_the_least_value_with_that_share_at_or_below_it(
    amounts: list[int], percent: int
) -> None:
    ordered = sorted(amounts)

    value = percentile(ordered, percent)

    assert sum(1 for amount in ordered if amount <= value) * 100 >= percent * len(ordered)
    assert sum(1 for amount in ordered if amount < value) * 100 < percent * len(ordered)


@given(AMOUNTS)
def test_the_histogram_holds_every_transfer_once(amounts: list[int]) -> None:
    histogram = describe_sizes(amounts).histogram

    assert sum(each.count for each in histogram) == len(amounts)
    assert sum(int(each.volume_raw) for each in histogram) == sum(amounts)
    for each in histogram:
        inside = [a for a in amounts if int(each.lower_raw) <= a < int(each.upper_raw)]
        assert len(inside) == each.count > 0


def test_bins_are_powers_of_ten_and_zero_amounts_have_their_own() -> None:
    histogram = describe_sizes([0, 0, 1, 9, 10, 1_000]).histogram

    assert [(each.lower_raw, each.upper_raw, each.count) for each in histogram] == [
        ("0", "1", 2),
        ("1", "10", 2),
        ("10", "100", 1),
        ("1000", "10000", 1),
    ]


def test_the_largest_possible_amount_stays_exact() -> None:
    sizes = describe_sizes([LARGEST, LARGEST])

    assert sizes.mean_raw == sizes.median_raw == sizes.p99_raw == str(LARGEST)


def test_no_transfers_have_no_sizes() -> None:
    sizes = describe_sizes([])

    assert sizes.mean_raw is None
    assert sizes.histogram == []
