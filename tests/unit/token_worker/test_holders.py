from collections.abc import Callable

from common.chain.types import Address
from token_worker.analysis.holders import describe_holders

Name = Callable[[str], Address]


def test_coverage_tells_how_much_of_supply_was_seen(token: Address, address: Name) -> None:
    held = describe_holders(token, {address("a"): 30, address("b"): 20}, 200, {}, {})

    assert held.coverage == 0.25
    assert held.coverage_status == "partial"


def test_nearly_all_of_supply_counts_as_complete(token: Address, address: Name) -> None:
    assert describe_holders(token, {address("a"): 999}, 1_000, {}, {}).coverage_status == "complete"


def test_burn_addresses_and_the_token_itself_are_in_the_raw_figures_only(
    token: Address, address: Name
) -> None:
    balances: dict[Address, int | None] = {
        address("zero"): 10,
        address("dead"): 500,
        address("token"): 90,
        address("a"): 300,
        address("b"): 100,
    }

    held = describe_holders(token, balances, 1_000, {}, {})

    assert (held.holder_count, held.top_1_pct) == (5, 50.0)
    assert (held.adjusted.holder_count, held.adjusted.top_1_pct) == (2, 75.0)
    assert {each.reason: each.balance_raw for each in held.excluded} == {
        "zero_address": "10",
        "dead_address": "500",
        "token_contract": "90",
    }


def test_an_address_without_an_answer_is_unknown_and_not_poor(
    token: Address, address: Name
) -> None:
    held = describe_holders(token, {address("a"): None, address("b"): 10}, 10, {}, {})

    assert (held.unknown_count, held.holder_count) == (1, 1)


def test_top_holders_are_ranked_and_told_from_contracts(token: Address, address: Name) -> None:
    balances: dict[Address, int | None] = {address("b"): 5, address("a"): 5, address("c"): 9}

    held = describe_holders(token, balances, 19, {address("c"): True}, {})

    assert [each.address for each in held.top] == [address("c"), address("a"), address("b")]
    assert [each.is_contract for each in held.top] == [True, None, None]


def test_without_supply_coverage_is_unknown(token: Address, address: Name) -> None:
    held = describe_holders(token, {address("a"): 5}, None, {}, {})

    assert held.coverage is None
    assert held.coverage_status == "unknown"


def test_a_supply_that_is_all_burned_leaves_no_share_to_adjust(
    token: Address, address: Name
) -> None:
    held = describe_holders(token, {address("dead"): 10}, 10, {}, {})

    assert held.adjusted.holder_count == 0
    assert held.adjusted.top_1_pct is None
