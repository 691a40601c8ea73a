from collections.abc import Callable

from common.chain.types import Address
from common.results.coin_flows import Whale
from token_worker.analysis.exact import least_amount
from token_worker.analysis.ledger import Ledger
from token_worker.analysis.whales import WhaleMovement, find_movements, find_whales
from token_worker.models import TokenFlowReading

Reading = Callable[..., TokenFlowReading]


def _whales(reading: TokenFlowReading, pct: float = 10.0) -> list[Whale]:
    return find_whales(
        reading.token.address,
        Ledger.of(reading.table),
        reading.balances,
        reading.contracts,
        reading.total_supply,
        pct,
    )


def _movements(reading: TokenFlowReading, pct: float = 10.0) -> list[WhaleMovement]:
    ledger = Ledger.of(reading.table)

    def opening(address: Address) -> int:
        return (reading.balances[address] or 0) - ledger.net(ledger.code(address))

    least = least_amount(reading.total_supply or 0, 10.0)
    return find_movements(reading.table, 0, opening, least, pct)


def test_whales_are_ranked_with_what_they_did(a_reading: Reading) -> None:
    reading = a_reading(
        ("big", "small", 100), ("small", "other", 10), opening={"big": 700, "other": 200}
    )

    big, other = _whales(reading, 11.0)

    assert (big.balance_raw, big.begin_balance_raw, big.behaviour) == ("600", "700", "distributing")
    assert (other.net_raw, other.behaviour) == ("10", "accumulating")
    assert big.supply_pct == 600 * 100 / 900


def test_the_threshold_is_met_by_exactly_that_share(a_reading: Reading) -> None:
    reading = a_reading(("a", "b", 1), opening={"a": 101, "b": 899})

    assert len(_whales(reading, 10.0)) == 2
    assert len(_whales(reading, 10.1)) == 2  # 101 before the transfer
    assert len(_whales(reading, 10.2)) == 1


def test_a_whale_that_sold_everything_is_still_one(
    a_reading: Reading, address: Callable[[str], Address]
) -> None:
    reading = a_reading(
        *(("whale", f"buyer {n}", 100) for n in range(5)), opening={"whale": 500, "rest": 9_500}
    )

    [whale] = _whales(reading, 5.0)

    assert whale.address == address("whale")
    assert (whale.balance_raw, whale.begin_supply_pct) == ("0", 5.0)


def test_moving_little_is_passive(a_reading: Reading) -> None:
    reading = a_reading(("whale", "small", 9), opening={"whale": 1_000})

    assert [whale.behaviour for whale in _whales(reading)] == ["passive"]


def test_burn_addresses_and_the_token_are_no_whales(a_reading: Reading) -> None:
    reading = a_reading(("a", "dead", 500), ("a", "token", 400), opening={"a": 901})

    assert [whale.balance_raw for whale in _whales(reading)] == ["1"]


def test_without_supply_or_balance_there_are_no_whales(
    a_reading: Reading, address: Callable[[str], Address]
) -> None:
    assert _whales(a_reading(("a", "b", 5), opening={"a": 5}, total_supply=None)) == []
    assert _whales(a_reading(("a", "b", 5), opening={"a": 5}, total_supply=0)) == []
    unknown = a_reading(
        ("a", "b", 5), total_supply=5, balances={address("a"): None, address("b"): None}
    )
    assert _whales(unknown) == []


def test_each_movement_is_held_against_the_balance_right_before_it(a_reading: Reading) -> None:
    reading = a_reading(
        ("whale", "x", 400), ("whale", "y", 59), ("z", "whale", 459), ("whale", "x", 100),
        opening={"whale": 1_000, "z": 1_000},
    )  # fmt: skip

    movements = [each for each in _movements(reading) if each.row != 2]

    assert [(each.row, each.balance_before, each.moved_pct) for each in movements] == [
        (0, 1_000, 40.0),
        (3, 1_000, 10.0),
    ]


def test_a_movement_does_not_depend_on_where_the_window_begins(a_reading: Reading) -> None:
    rows = [("whale", "x", 400), ("x", "y", 50), ("whale", "x", 100)]
    newest = a_reading(*rows, opening={"whale": 1_000}, select=[1, 2])

    [found] = [each for each in _movements(newest) if each.balance_before == 600]

    assert found.moved_pct == 100 * 100 / 600


def test_a_transfer_to_oneself_moves_nothing(a_reading: Reading) -> None:
    assert _movements(a_reading(("whale", "whale", 900), opening={"whale": 1_000})) == []
