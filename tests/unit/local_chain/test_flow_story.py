"""The planted facts of FLOW, checked with rules written down here independently."""

from datetime import datetime
from statistics import median

import pytest

from local_chain.addresses import FLOW, WALLET, WHALES
from local_chain.coin_facts import describe_coin
from local_chain.execution import Executed, first_traffic_hour
from local_chain.facts import CoinFacts
from local_chain.ledger import Ledger
from local_chain.plan import ZERO_ADDRESS, Plan

UNIT = 10**18


@pytest.fixture(scope="module")
def flow(executed: list[Executed], ledger: Ledger, end_time: datetime) -> CoinFacts:
    return describe_coin(FLOW, executed, ledger, first_traffic_hour(end_time))


def robust_z(values: list[int], x: int) -> float:
    middle = median(values)
    deviation = median(abs(value - middle) for value in values)
    return 0.6745 * (x - middle) / deviation


def test_supply_is_ten_million_after_known_mints_and_burns(flow: CoinFacts) -> None:
    assert flow.total_supply_raw == 10_000_000 * UNIT
    assert flow.minted_raw == 10_151_000 * UNIT
    assert flow.burned_raw == 151_000 * UNIT


def test_four_whales_hold_round_shares_and_nobody_else_comes_near(
    flow: CoinFacts, ledger: Ledger
) -> None:
    assert {whale.address: whale.supply_pct for whale in flow.whales} == dict(
        zip(WHALES, (18.0, 11.0, 6.0, 3.0), strict=True)
    )
    others = [b for holder, b in ledger.holders(FLOW).items() if holder not in WHALES]
    assert len(others) > 150
    assert max(others) < 80_000 * UNIT  # 0.8 % of the supply


def test_exactly_one_hour_is_a_spike_in_count_and_it_is_the_largest_in_volume(
    flow: CoinFacts,
) -> None:
    buckets = flow.activity
    spikes = []
    for index in range(24, len(buckets)):
        before = [bucket.transfer_count for bucket in buckets[index - 24 : index]]
        count = buckets[index].transfer_count
        if count >= 3 * median(before) and robust_z(before, count) >= 3.5:
            spikes.append(buckets[index])
    assert spikes == [flow.spike]
    after_setup = [bucket for bucket in buckets if bucket.bucket_start >= buckets[4].bucket_start]
    assert max(after_setup, key=lambda bucket: bucket.volume_raw) == flow.spike


def test_volume_spikes_in_that_hour_and_where_whales_mints_and_burns_move_much(
    flow: CoinFacts,
) -> None:
    spiking = []
    for index in range(28, len(flow.activity)):
        before = [bucket.volume_raw for bucket in flow.activity[index - 24 : index]]
        volume = flow.activity[index].volume_raw
        if volume >= 4 * median(before) and robust_z(before, volume) >= 3.5:
            spiking.append(index - 4)  # hours since the traffic began
    assert spiking == [40, 50, 69, 71]


def test_the_spike_lies_three_hours_before_the_last_full_hour(flow: CoinFacts) -> None:
    assert [bucket.bucket_start for bucket in flow.activity].index(flow.spike.bucket_start) == (
        len(flow.activity) - 3
    )


def test_every_hour_has_transfers_and_their_number_varies(flow: CoinFacts) -> None:
    counts = [bucket.transfer_count for bucket in flow.activity[4:]]
    assert len(counts) == 72
    assert min(counts) >= 8
    assert len(set(counts)) > 4


def test_the_newest_hundred_transfers_show_whales_and_a_whale_moving_much(plan: Plan) -> None:
    newest = [movement for _, movement in plan.movements(FLOW)][-100:]
    seen = {movement.sender for movement in newest} | {movement.receiver for movement in newest}

    assert set(WHALES) <= seen
    large = [m for m in newest if m.amount >= 10_000 * UNIT]  # 0.1 % of the supply
    assert [(m.sender, m.receiver, m.amount) for m in large] == [
        (WHALES[1], WHALES[0], 150_000 * UNIT)
    ]
    assert any(m.sender == ZERO_ADDRESS for m in newest)
    assert any(m.receiver == ZERO_ADDRESS for m in newest)


def test_the_newest_thousand_transfers_reach_a_full_day_before_the_spike(
    executed: list[Executed], flow: CoinFacts
) -> None:
    times = [e.timestamp for e in executed for m in e.transaction.movements if m.asset == FLOW]

    assert (flow.spike.bucket_start - times[-1000]).total_seconds() > 25 * 3600


def test_the_wallet_keeps_the_planned_balance(ledger: Ledger) -> None:
    assert ledger.balance(FLOW, WALLET) == 12_345_678 * UNIT // 1000
