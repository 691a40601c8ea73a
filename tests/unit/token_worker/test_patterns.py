from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.actions.analyze_coin_flows import CoinFlowOptions, CoinFlowThresholds
from common.chain.transfers import Erc20Transfer
from common.chain.types import Address
from common.labels.label import Label
from common.labels.reading import load_labels, parse_labels
from common.results.alerts import Alert
from token_worker.analysis.compliance import check_compliance
from token_worker.analysis.dormancy import find_waking
from token_worker.analysis.flows import count_new_addresses
from token_worker.analysis.labels import (
    describe_exchange_flows,
    find_exchange_rows,
    sum_exchange_flows,
)
from token_worker.analysis.ledger import Ledger
from token_worker.analysis.patterns import (
    find_bait,
    find_batches,
)
from token_worker.analysis.poisoned import PoisonedTransaction, find_zero_value_groups
from token_worker.analysis.report import report_flows
from token_worker.analysis.table import TransferTable
from token_worker.analysis.trends import PreviousReport
from token_worker.models import Sampled, TokenFlowReading

Table = Callable[..., TransferTable]
Reading = Callable[..., TokenFlowReading]
OneTransaction = Callable[[TransferTable], TransferTable]
Named = Callable[[str], Address]

DAY_MINUTES = 24 * 60


def _alerts(reading: TokenFlowReading, **thresholds: Any) -> list[Alert]:
    resolved = CoinFlowThresholds.model_validate(thresholds)
    return report_flows(reading, CoinFlowOptions(), resolved).alerts


def _types(alerts: list[Alert]) -> set[str]:
    return {alert.type for alert in alerts}


def test_one_sender_of_many_in_one_transaction_is_a_batch(
    a_table: Table, one_transaction: OneTransaction
) -> None:
    rows = [("a", f"r{number}", 5) for number in range(8)]

    [batch] = find_batches(one_transaction(a_table(*rows, ("b", "c", 1))), 8)

    assert (batch.recipients, batch.rows) == (8, tuple(range(8)))
    assert find_batches(a_table(*rows), 8) == []
    assert find_batches(one_transaction(a_table(*rows[:7])), 8) == []
    assert find_batches(one_transaction(a_table(*[("a", "b", 5)] * 8)), 8) == []


def test_many_transfers_of_nothing_in_one_transaction_are_poisoning(
    a_table: Table, one_transaction: OneTransaction
) -> None:
    rows = [("a", "b", 0), ("c", "d", 0), ("e", "f", 0)]

    assert find_zero_value_groups(one_transaction(a_table(*rows)), 3) == [
        PoisonedTransaction((0, 1, 2), 3)
    ]
    assert find_zero_value_groups(a_table(*rows), 3) == []


def _look_alikes() -> tuple[Address, Address]:
    return Address("0xabcd" + "1" * 32 + "ef01"), Address("0xabcd" + "2" * 32 + "ef01")


@pytest.mark.parametrize("bait_amount", [0, 1])
def test_a_worthless_transfer_of_a_look_alike_is_bait(bait_amount: int) -> None:
    real, fake = _look_alikes()
    victim = Address("0x" + "9" * 40)
    ends = [(victim, real, 10**6), (victim, fake, bait_amount), (victim, real, 10**6)]
    table = TransferTable.from_transfers(
        [
            Erc20Transfer(real, sender, recipient, amount, block, f"0x{block:064x}", 0, 0)
            for block, (sender, recipient, amount) in enumerate(ends)
        ],
        {0: 0, 1: 1, 2: 2},
    )

    [bait] = find_bait(table, Ledger.of(table))

    assert (bait.row, bait.victim, bait.fake, bait.real) == (1, victim, fake, real)


def test_addresses_that_look_alike_may_trade_for_real() -> None:
    real, other = _look_alikes()
    victim = Address("0x" + "9" * 40)
    table = TransferTable.from_transfers(
        [
            Erc20Transfer(real, victim, recipient, 10**6, block, f"0x{block:064x}", 0, 0)
            for block, recipient in enumerate((real, other))
        ],
        {0: 0, 1: 1},
    )

    assert find_bait(table, Ledger.of(table)) == []


def test_what_rests_for_a_year_and_moves_has_woken(a_table: Table) -> None:
    year = 366 * DAY_MINUTES
    table = a_table(
        ("zero", "old", 100, 0), ("zero", "busy", 100, 0), ("busy", "x", 10, year - 10),
        ("old", "x", 90, year), ("busy", "x", 90, year),
    )  # fmt: skip

    [waking] = find_waking(table, 365 * 86_400, 50)

    assert (waking.row, waking.rested_seconds) == (3, 366 * 86_400)
    assert find_waking(table, 365 * 86_400, 91) == []
    assert find_waking(table, 367 * 86_400, 50) == []


def test_supply_that_wakes_is_told_only_when_the_whole_history_is_known(
    a_reading: Reading,
) -> None:
    rows = [("zero", "old", 100, 0), ("old", "x", 90, 366 * DAY_MINUTES)]

    assert "DORMANT_WAKE" in _types(_alerts(a_reading(*rows)))
    assert "DORMANT_WAKE" not in _types(_alerts(a_reading(*rows, truncated=True)))


def test_exchange_flows_leave_out_what_stays_among_exchanges(
    a_table: Table, address: Named
) -> None:
    labels = {
        address("k1"): Label("exchange", "Kraken 1"),
        address("k2"): Label("exchange", "Kraken: Hot Wallet 2"),
        address("b"): Label("exchange", "Binance 3"),
        address("bridge"): Label("bridge", "Bridge"),
    }
    table = a_table(
        ("u", "k1", 50), ("k1", "k2", 40), ("k2", "b", 30), ("b", "u", 8), ("bridge", "b", 7),
        ("zero", "b", 1_000), ("u", "bridge", 3),
    )  # fmt: skip

    sums = sum_exchange_flows(table, labels, find_exchange_rows(table, labels))
    flows = describe_exchange_flows(sums, 1_000, 10)

    assert (flows.inflow_raw, flows.outflow_raw, flows.net_raw) == ("57", "8", "49")
    assert flows.net_supply_pct == 4.9
    assert [(each.exchange, each.net_raw) for each in flows.by_exchange] == [
        ("Kraken", "50"),
        ("Binance", "-1"),
    ]


def test_net_flows_to_exchanges_are_told_from_half_a_percent_on(
    a_reading: Reading, address: Named
) -> None:
    labels = {address("k"): Label("exchange", "Kraken 1")}

    into = a_reading(("u", "k", 5), opening={"u": 1_000}, labels=labels)
    out_of = a_reading(("k", "u", 4), opening={"k": 1_000}, labels=labels)

    assert "EXCHANGE_INFLOW" in _types(_alerts(into))
    assert "EXCHANGE_OUTFLOW" not in _types(_alerts(out_of))
    assert "EXCHANGE_OUTFLOW" in _types(_alerts(out_of, exchangeNetSupplyPct=0.4))


def test_what_exchanges_hold_is_left_out_of_the_adjusted_concentration(
    a_reading: Reading, address: Named
) -> None:
    reading = a_reading(
        ("a", "b", 1), opening={"a": 100, "k": 900}, labels={address("k"): Label("exchange", "K 1")}
    )

    holders = report_flows(reading, CoinFlowOptions(), CoinFlowThresholds()).result.holders

    assert (holders.holder_count, holders.adjusted.holder_count) == (3, 2)
    assert holders.excluded[0].reason == "exchange"
    assert holders.top[0].label == "K 1"


def test_the_labels_that_come_along_are_sound_and_those_of_a_file_add_to_them() -> None:
    mainnet = load_labels()[1]

    assert len(mainnet) > 500
    assert mainnet[Address("0x28c6c06298d514db089934071355e5743bf21d60")].owner == "Binance"
    more = parse_labels(
        ["chainId,address,kind,name", f"10,0x{'A' * 40},pool,Pool: FLOW 3"], "own.csv"
    )
    assert more == {10: {Address("0x" + "a" * 40): Label("pool", "Pool: FLOW 3")}}


@pytest.mark.parametrize("row", ["1,0x12,exchange,X", f"1,0x{'a' * 40},bank,X", "x", "a,b,c,d"])
def test_a_malformed_label_names_its_line(row: str) -> None:
    with pytest.raises(ValueError, match=r"own\.csv, line 2"):
        parse_labels(["chainId,address,kind,name", row], "own.csv")


@pytest.mark.parametrize(
    ("actual", "status"),
    [
        ({"a": 60, "b": 40}, "standard"),
        ({"a": 60, "b": 38}, "fee_on_transfer"),
        ({"a": 100, "b": 0}, "phony_events"),
        ({"a": 66, "b": 44}, "rebasing"),
        ({"a": 54, "b": 36}, "rebasing"),
    ],
)
def test_balances_that_do_not_follow_from_transfers_tell_what_kind_of_token_it_is(
    a_reading: Reading, address: Named, actual: dict[str, int], status: str
) -> None:
    before = {"a": 100, "b": 0}
    sample = {address(name): Sampled(before[name], actual[name]) for name in actual}
    reading = a_reading(("a", "b", 40), opening={"a": 100}, sample=sample)

    check = check_compliance(reading, Ledger.of(reading.table))

    assert check.status == status
    assert ("NON_COMPLIANT_TOKEN" in _types(_alerts(reading))) == (status != "standard")


def test_without_older_balances_compliance_is_unknown(a_reading: Reading) -> None:
    reading = a_reading(("a", "b", 40), opening={"a": 100})

    assert check_compliance(reading, Ledger.of(reading.table)).status == "unknown"


def test_what_is_missing_is_told_as_an_alert(a_reading: Reading) -> None:
    alerts = _alerts(a_reading(("a", "b", 1), opening={"a": 9}, total_supply=None))

    assert "DATA_INCOMPLETE" in _types(alerts)


def _stored(reading: TokenFlowReading) -> dict[str, Any]:
    result = report_flows(reading, CoinFlowOptions(), CoinFlowThresholds()).result
    block = {"number": reading.block.number, "timestamp": datetime(2023, 11, 15)}  # noqa: DTZ001
    return {**result.model_dump(by_alias=True), "block": block}  # MongoDB keeps no time zone


def test_trends_hold_the_previous_report_against_this_one(a_reading: Reading) -> None:
    rows = [("zero", "a", 1_000), ("a", "b", 400), ("b", "c", 400)]
    previous = PreviousReport.from_document(_stored(a_reading(*rows[:2])))
    reading = a_reading(*rows, previous=previous)

    report = report_flows(reading, CoinFlowOptions(), CoinFlowThresholds())

    trends = report.result.trends
    assert trends is not None
    assert trends.comparable
    assert trends.previous_timestamp == datetime(2023, 11, 15, tzinfo=UTC)
    figures = {each.figure: each for each in trends.figures}
    assert (figures["transferCount"].previous, figures["transferCount"].current) == (2, 3)
    assert figures["transferCount"].change_pct == 50.0
    assert figures["volumeRaw"].change_pct == pytest.approx(100 * 400 / 1_400)
    assert report.result.summary.new_addresses == 0  # c came with a block the last report had
    assert [alert.subject.address for alert in report.alerts if alert.type == "NEW_WHALE"] == [
        reading.table.addresses[reading.table.code(reading.table[2].recipient)]
    ]


def test_the_first_report_has_no_trends_and_no_new_whales(a_reading: Reading) -> None:
    report = report_flows(a_reading(("zero", "a", 1_000)), CoinFlowOptions(), CoinFlowThresholds())

    assert report.result.trends is None
    assert report.result.summary.new_addresses == 1
    assert "NEW_WHALE" not in _types(report.alerts)


def test_a_report_of_another_layout_is_no_previous_report() -> None:
    assert PreviousReport.from_document(None) is None
    assert PreviousReport.from_document({"block": {"number": 5}}) is None


NAMES = st.sampled_from(["zero", "a", "b", "c", "d"])
ROWS = st.lists(st.tuples(NAMES, NAMES, st.integers(0, 2**256 - 1)), min_size=1, max_size=20)


@given(ROWS, st.integers(0, 20))
def test_tables_joined_from_parts_are_the_table(
    a_table: Table, rows: list[tuple[str, str, int]], cut: int
) -> None:
    table = a_table(*rows)
    cut = min(cut, len(table))

    joined = TransferTable.join([table.part(0, cut), table.part(cut, len(table))])

    assert joined.addresses == table.addresses
    assert [joined[row] for row in range(len(joined))] == [table[row] for row in range(len(table))]
    assert np.array_equal(joined.senders, table.senders)


@given(ROWS, st.integers(99, 121))
def test_new_addresses_are_those_not_seen_up_to_a_block(
    a_table: Table, address: Named, rows: list[tuple[str, str, int]], block: int
) -> None:
    table = a_table(*rows)
    known = {name for row in rows[: max(0, block - 99)] for name in row[:2]}

    expected = {name for row in rows for name in row[:2]} - known - {"zero"}

    assert count_new_addresses(Ledger.of(table), block) == len(expected)
