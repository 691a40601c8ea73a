from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_chain.addresses import COLLECTORS, CREATOR, SMALL_HOLDERS
from local_chain.anvil import GENESIS_TIME
from local_chain.coin_actions import transfer_coins
from local_chain.errors import ScenarioError
from local_chain.execution import first_traffic_hour, slot_time
from local_chain.ledger import Ledger
from local_chain.nft_mints import Mints
from local_chain.plan import TRAFFIC_HOURS, Plan, slot_at
from local_chain.scenario import EMPTY_BLOCKS, OFFER_WEI, make_plan

COIN, ALICE, BOB = ("0x" + digit * 40 for digit in "abc")


def test_the_plan_is_the_same_every_time(plan: Plan) -> None:
    assert list(make_plan().slots()) == list(plan.slots())


@given(
    st.integers(0, 2_400_000_000).map(
        lambda s: datetime(2025, 2, 1, tzinfo=UTC) + timedelta(seconds=s)
    )
)
def test_all_traffic_lies_between_genesis_and_the_empty_blocks_at_the_end(
    end_time: datetime,
) -> None:
    first_hour = first_traffic_hour(end_time)
    latest = slot_time(first_hour, slot_at(TRAFFIC_HOURS - 1, 5))

    assert (first_hour.minute, first_hour.second, first_hour.microsecond) == (0, 0, 0)
    assert slot_time(first_hour, slot_at(-4)) > GENESIS_TIME
    assert latest < end_time - timedelta(seconds=EMPTY_BLOCKS)
    assert end_time - latest < timedelta(hours=1, minutes=10)


def test_giving_away_more_than_one_holds_is_refused() -> None:
    plan = Plan()
    plan.add(slot_at(0), transfer_coins(COIN, ALICE, BOB, 1))

    with pytest.raises(ScenarioError, match="holds too little"):
        Ledger.after(plan)


def test_transactions_of_a_slot_keep_their_order_and_slots_follow_time() -> None:
    plan = Plan()
    first, second, third = (transfer_coins(COIN, ALICE, BOB, amount) for amount in (1, 2, 3))
    plan.add(slot_at(5), second, third)
    plan.add(slot_at(4, 5), first)

    assert list(plan.transactions()) == [first, second, third]


def test_every_sender_owns_what_it_offers_for_gas(plan: Plan) -> None:
    senders_of_live_traffic = {*SMALL_HOLDERS, *COLLECTORS, CREATOR}
    senders = {each.sender for each in plan.transactions()} | senders_of_live_traffic

    assert all(plan.initial_native_wei[sender] >= OFFER_WEI for sender in senders)
    for _, transactions in plan.slots():
        offers = range(len(transactions), 0, -1)
        for each, offer in zip(transactions, offers, strict=True):
            assert each.gas * offer <= OFFER_WEI


def test_mints_out_of_chain_order_are_refused() -> None:
    mints = Mints(Plan())
    assert mints.add(slot_at(2), ALICE, 3) == range(3)
    assert mints.add(slot_at(2), BOB) == range(3, 4)

    with pytest.raises(ValueError, match="planned after"):
        mints.add(slot_at(1), ALICE)


@pytest.mark.parametrize(("hour", "tenth"), [(-5, 0), (72, 0), (0, 6), (0, -1)])
def test_a_moment_outside_the_chain_is_refused(hour: int, tenth: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        slot_at(hour, tenth)
