from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from common.chain.types import Address
from common.results.coin_flows import FlowSummary
from token_worker.analysis.flows import Totals, rank_net_flows, summarize_flows
from token_worker.analysis.ledger import Ledger
from token_worker.analysis.table import TransferTable

NAMES = st.sampled_from(["zero", "dead", "token", "a", "b", "c", "d"])
ROWS = st.lists(st.tuples(NAMES, NAMES, st.integers(0, 2**256 - 1)), max_size=30)

Table = Callable[..., TransferTable]


def _summarize(table: TransferTable, total_supply: int | None = None) -> FlowSummary:
    return summarize_flows(Totals.of(table), Ledger.of(table), total_supply, None)


@given(ROWS)
def test_net_flows_with_the_zero_address_sum_to_zero(
    a_table: Table, rows: list[tuple[str, str, int]]
) -> None:
    table = a_table(*rows)
    flows = Ledger.of(table)

    assert sum(flows.net(code) for code in range(len(table.addresses))) == 0


@given(ROWS)
def test_minted_less_burned_is_what_all_others_gained(
    a_table: Table, address: Callable[[str], Address], rows: list[tuple[str, str, int]]
) -> None:
    rows = [row for row in rows if row[:2] != ("zero", "zero")]
    table = a_table(*rows)
    flows = Ledger.of(table)
    summary = _summarize(table)

    gained = sum(
        flows.net(code) for code, holder in enumerate(table.addresses) if holder != address("zero")
    )

    assert int(summary.net_supply_change_raw) == gained
    assert int(summary.minted_raw) - int(summary.burned_raw) == gained


@given(ROWS)
def test_every_transfer_is_one_of_mint_burn_and_the_rest(
    a_table: Table, rows: list[tuple[str, str, int]]
) -> None:
    summary = _summarize(a_table(*rows))

    assert summary.transfer_count == len(rows)
    assert int(summary.volume_raw) == sum(amount for _, _, amount in rows)
    assert int(summary.volume_raw) == (
        int(summary.volume_ex_mint_burn_raw) + int(summary.minted_raw) + int(summary.burned_raw)
    )


def test_summary_counts_what_happened(a_table: Table) -> None:
    table = a_table(
        ("zero", "a", 100), ("a", "b", 40), ("b", "b", 5), ("b", "zero", 10), ("a", "dead", 1),
        ("a", "c", 0),
    )  # fmt: skip

    summary = _summarize(table, total_supply=90)

    assert summary.model_dump() == {
        "transfer_count": 6,
        "transaction_count": 6,
        "unique_senders": 3,
        "unique_receivers": 5,
        "active_addresses": 4,
        "new_addresses": None,
        "volume_raw": "156",
        "volume_ex_mint_burn_raw": "46",
        "mint_count": 1,
        "minted_raw": "100",
        "burn_count": 1,
        "burned_raw": "10",
        "net_supply_change_raw": "90",
        "sent_to_dead_raw": "1",
        "zero_value_count": 1,
        "self_transfer_count": 1,
        "velocity": 46 / 90,
    }


def test_a_transfer_to_oneself_is_on_both_sides_and_counts_once(a_table: Table) -> None:
    table = a_table(("a", "a", 7))

    [flow] = rank_net_flows(Ledger.of(table), 10)

    assert (flow.in_raw, flow.out_raw, flow.net_raw) == ("7", "7", "0")
    assert (flow.in_count, flow.out_count) == (1, 1)
    assert Ledger.of(table).transfer_count(0) == 1


def test_the_minimum_liquidity_minted_to_the_zero_address_is_a_mint_and_no_burn(
    a_table: Table,
) -> None:
    summary = _summarize(a_table(("zero", "zero", 1_000)))

    assert (summary.mint_count, summary.burn_count, summary.self_transfer_count) == (1, 0, 0)
    assert summary.net_supply_change_raw == "1000"


def test_net_flows_are_ranked_by_size_in_either_direction_then_by_address(
    a_table: Table, address: Callable[[str], Address]
) -> None:
    table = a_table(("a", "b", 10), ("c", "d", 30))

    ranked = rank_net_flows(Ledger.of(table), 3)

    assert [flow.address for flow in ranked] == [address("c"), address("d"), address("a")]


def test_without_transfers_everything_is_zero(a_table: Table) -> None:
    summary = _summarize(a_table(), total_supply=5)

    assert summary.volume_raw == "0"
    assert summary.velocity == 0.0
