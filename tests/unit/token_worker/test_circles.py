from collections.abc import Callable
from fractions import Fraction

import networkx
from hypothesis import given
from hypothesis import strategies as st

from common.chain.types import Address
from token_worker.analysis.balance import balanced_prefix
from token_worker.analysis.circles import (
    Circle,
    circle_addresses,
    describe_circle,
    find_circles,
)
from token_worker.analysis.table import TransferTable

Table = Callable[..., TransferTable]


def _find(token: Address, table: TransferTable, pct: float = 1.0, least: int = 3) -> list[Circle]:
    return find_circles(token, table, pct, least).largest


def test_a_ring_of_three_is_found(
    a_table: Table, token: Address, address: Callable[[str], Address]
) -> None:
    table = a_table(("a", "b", 100), ("x", "y", 5), ("b", "c", 100), ("c", "a", 100))

    [circle] = _find(token, table)

    assert circle.rows == (0, 2, 3)
    assert circle_addresses(table, circle) == [address("a"), address("b"), address("c")]
    shown = describe_circle(table, circle, {})
    assert (shown.transfer_count, shown.volume_raw, shown.span) == (3, "300", "1h")
    assert shown.net_residual_pct == 0.0


def test_back_and_forth_counts_from_three_transfers_on(a_table: Table, token: Address) -> None:
    assert _find(token, a_table(("a", "b", 100), ("b", "a", 100))) == []
    assert len(_find(token, a_table(*[("a", "b", 100), ("b", "a", 100)] * 2))) == 1


def test_what_is_left_over_must_be_small_against_the_mean_transfer(
    a_table: Table, token: Address
) -> None:
    ring = [("a", "b", 1_000), ("b", "c", 1_000)]

    assert len(_find(token, a_table(*ring, ("c", "a", 990)))) == 0
    assert len(_find(token, a_table(*ring, ("c", "a", 991)))) == 1
    assert len(_find(token, a_table(*ring, ("c", "a", 900)), pct=12)) == 1


def test_what_follows_a_circle_does_not_hide_it(a_table: Table, token: Address) -> None:
    ring = [("a", "b", 100), ("b", "c", 100), ("c", "a", 100)]

    [circle] = _find(token, a_table(*ring, ("a", "b", 37), ("b", "c", 12)))

    assert circle.rows == (0, 1, 2)


def test_an_honest_exchange_of_different_amounts_is_no_circle(
    a_table: Table, token: Address
) -> None:
    table = a_table(("a", "b", 100), ("b", "a", 40), ("a", "c", 60), ("c", "b", 20), ("b", "a", 9))

    assert _find(token, table) == []


def test_mints_burns_zero_amounts_and_the_token_itself_make_no_circle(
    a_table: Table, token: Address
) -> None:
    for middle in ("zero", "dead", "token"):
        rows = [("a", "b", 50), ("b", middle, 50), (middle, "a", 50)]
        assert _find(token, a_table(*rows)) == []
    assert _find(token, a_table(("a", "b", 0), ("b", "c", 0), ("c", "a", 0))) == []
    assert _find(token, a_table(("a", "a", 5), ("a", "a", 5), ("a", "a", 5))) == []


def test_a_slow_ring_shows_in_a_wider_span(a_table: Table, token: Address) -> None:
    day = a_table(("a", "b", 100, 0), ("b", "c", 100, 90), ("c", "a", 100, 180))
    week = a_table(("a", "b", 100, 0), ("b", "c", 100, 1_440), ("c", "a", 100, 2_000))
    month = a_table(("a", "b", 100, 0), ("b", "c", 100, 20_000), ("c", "a", 100, 40_000))

    assert [circle.span for circle in _find(token, day)] == ["1d"]
    assert [circle.span for circle in _find(token, week)] == ["1w"]
    assert _find(token, month) == []


@given(st.integers(0, 7 * 24 * 60))
def test_the_end_of_a_span_cuts_no_short_circle(
    a_table: Table, token: Address, minute: int
) -> None:
    table = a_table(
        ("a", "b", 100, minute), ("b", "c", 100, minute + 10), ("c", "a", 100, minute + 29)
    )

    assert [circle.span for circle in _find(token, table)] == ["1h"]


def test_a_circle_is_told_once_in_its_narrowest_span(a_table: Table, token: Address) -> None:
    table = a_table(("a", "b", 100), ("b", "c", 100), ("c", "a", 100))

    assert [circle.span for circle in _find(token, table)] == ["1h"]


NAMES = st.sampled_from("abcdef")
ROWS = st.lists(
    st.tuples(NAMES, NAMES, st.integers(1, 4), st.integers(0, 59)).filter(
        lambda row: row[0] != row[1]
    ),
    max_size=16,
)


@given(ROWS)
def test_circles_lie_in_one_component_and_leave_nobody_changed(
    a_table: Table, token: Address, rows: list[tuple[str, str, int, int]]
) -> None:
    table = a_table(*sorted(rows, key=lambda row: row[3]))
    graph = networkx.DiGraph(
        (row.sender, row.recipient) for row in map(table.__getitem__, range(len(table)))
    )
    components = [frozenset(members) for members in networkx.strongly_connected_components(graph)]

    for circle in _find(token, table, pct=0, least=2):
        members = circle_addresses(table, circle)
        assert any(component.issuperset(members) for component in components)
        net = dict.fromkeys(members, 0)
        for row in circle.rows:
            net[table[row].sender] -= table.amount(row)
            net[table[row].recipient] += table.amount(row)
        assert set(net.values()) == {0}


@given(ROWS.filter(bool), st.sampled_from([0, 1, 12.5, 50, 100]))
def test_the_balanced_prefix_is_the_longest_one_there_is(
    a_table: Table, rows: list[tuple[str, str, int, int]], pct: float
) -> None:
    table = a_table(*sorted(rows, key=lambda row: row[3]))

    def is_balanced(count: int) -> bool:
        net: dict[str, int] = {}
        for transfer in map(table.__getitem__, range(count)):
            net[transfer.sender] = net.get(transfer.sender, 0) - transfer.amount
            net[transfer.recipient] = net.get(transfer.recipient, 0) + transfer.amount
        mean = Fraction(sum(map(table.amount, range(count))), count)
        return all(abs(position) * 100 <= Fraction(pct) * mean for position in net.values())

    expected = max((count for count in range(1, len(rows) + 1) if is_balanced(count)), default=0)

    assert balanced_prefix(table, list(range(len(rows))), pct)[0] == expected
