from hypothesis import given
from hypothesis import strategies as st

from common.chain.transfers import Erc20Transfer
from common.chain.types import Address
from common.results.coin_flows import SizeDistribution
from common.statistics import percentile
from token_worker.analysis.sizes import Sizes, describe_sizes
from token_worker.analysis.table import TransferTable

LARGEST = 2**256 - 1
AMOUNTS = st.lists(st.integers(0, LARGEST), min_size=1, max_size=50)


def _sizes(amounts: list[int]) -> SizeDistribution:
    sender = Address("0x" + "a" * 40)
    transfers = [
        Erc20Transfer(sender, sender, sender, amount, 1, "0x" + "0" * 64, 0, index)
        for index, amount in enumerate(amounts)
    ]
    return describe_sizes(Sizes.of(TransferTable.from_transfers(transfers, {1: 0})))


def test_sizes_of_one_to_a_hundred() -> None:
    sizes = _sizes(list(range(100, 0, -1)))

    assert (sizes.mean_raw, sizes.median_raw, sizes.max_raw) == ("50", "50", "100")
    assert (sizes.p90_raw, sizes.p95_raw, sizes.p99_raw) == ("90", "95", "99")


def test_the_median_of_an_even_number_is_the_mean_of_two_rounded_down() -> None:
    assert _sizes([1, 4]).median_raw == "2"
    close = [6077092894314622845, 6239374609638076677]
    assert _sizes(close).median_raw == "6158233751976349761"


@given(AMOUNTS)
def test_percentiles_are_the_exact_nearest_ranks(amounts: list[int]) -> None:
    ordered = sorted(amounts)

    sizes = _sizes(amounts)

    for percent, found in ((90, sizes.p90_raw), (95, sizes.p95_raw), (99, sizes.p99_raw)):
        assert found == str(percentile(ordered, percent))


@given(st.lists(st.integers(2**200, 2**200 + 3), min_size=1, max_size=20))
def test_amounts_that_floats_cannot_tell_apart_are_told_apart(amounts: list[int]) -> None:
    ordered = sorted(amounts)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) // 2

    assert _sizes(amounts).median_raw == str(middle)


@given(AMOUNTS)
def test_the_histogram_holds_every_transfer_once(amounts: list[int]) -> None:
    histogram = _sizes(amounts).histogram

    assert sum(each.count for each in histogram) == len(amounts)
    assert sum(int(each.volume_raw) for each in histogram) == sum(amounts)
    for each in histogram:
        inside = [a for a in amounts if int(each.lower_raw) <= a < int(each.upper_raw)]
        assert len(inside) == each.count > 0


def test_bins_are_powers_of_ten_and_zero_amounts_have_their_own() -> None:
    histogram = _sizes([0, 0, 1, 9, 10, 1_000]).histogram

    assert [(each.lower_raw, each.upper_raw, each.count) for each in histogram] == [
        ("0", "1", 2),
        ("1", "10", 2),
        ("10", "100", 1),
        ("1000", "10000", 1),
    ]


def test_the_largest_possible_amount_stays_exact() -> None:
    sizes = _sizes([LARGEST, LARGEST])

    assert sizes.mean_raw == sizes.median_raw == sizes.p99_raw == str(LARGEST)


def test_no_transfers_have_no_sizes() -> None:
    sizes = _sizes([])

    assert sizes.mean_raw is None
    assert sizes.histogram == []
