"""The wallet of the examples: some of each kind of asset, in and out, and a poisoning attempt."""

from itertools import pairwise

from local_chain.addresses import (
    BYTES32_COIN,
    FORMER_COIN,
    FRIEND,
    FRIEND_LOOK_ALIKE,
    POISONER,
    SECOND_FRIEND,
    STABLE,
    WALLET,
    WETH,
    numbered_accounts,
)
from local_chain.coin_actions import (
    forge_zero_transfer,
    mint_coins,
    send_native,
    transfer_coins,
    unwrap,
    wrap,
)
from local_chain.plan import SETUP_HOURS, Pattern, Plan, slot_at

ETHER = 10**18
UNIT = 10**18
STABLE_UNIT = 10**6
STABLE_HOLDERS = numbered_accounts("stable holder", 12)


def tell_wallet_story(plan: Plan) -> None:
    """Add what the wallet does with native currency and fungible tokens, FLOW excepted."""
    plan.fund(WALLET, 10 * ETHER)
    plan.fund(FRIEND, 100 * ETHER)
    _add_native(plan)
    _add_stable(plan)
    _add_bytes32_coin(plan)
    _add_former_coin(plan)
    _add_poisoning(plan)


def _add_native(plan: Plan) -> None:
    plan.add(slot_at(3, 1), send_native(FRIEND, WALLET, 5 * ETHER))
    plan.add(slot_at(9, 3), wrap(WALLET, 4 * ETHER))
    plan.add(slot_at(18, 0), send_native(WALLET, SECOND_FRIEND, 1_250 * ETHER // 1000))
    plan.add(slot_at(33, 2), unwrap(WALLET, 750 * ETHER // 1000))
    plan.add(slot_at(35, 2), wrap(FRIEND, 1 * ETHER))
    plan.add(slot_at(36, 2), transfer_coins(WETH, FRIEND, WALLET, 250 * ETHER // 1000))


def _add_stable(plan: Plan) -> None:
    for holder in (*STABLE_HOLDERS, FRIEND):
        plan.add(slot_at(-SETUP_HOURS), mint_coins(STABLE, holder, 50_000 * STABLE_UNIT))
    for number, (sender, receiver) in enumerate(pairwise(STABLE_HOLDERS), start=1):
        amount = number * 137 * STABLE_UNIT + 500_000
        plan.add(slot_at(6 * number, 3), transfer_coins(STABLE, sender, receiver, amount))
    plan.add(slot_at(7, 0), transfer_coins(STABLE, FRIEND, WALLET, 2_500 * STABLE_UNIT))
    plan.add(slot_at(38, 5), transfer_coins(STABLE, WALLET, FRIEND, 749_500_000))


def _add_bytes32_coin(plan: Plan) -> None:
    plan.add(slot_at(-SETUP_HOURS), mint_coins(BYTES32_COIN, FRIEND, 1_000 * UNIT))
    plan.add(slot_at(11, 4), transfer_coins(BYTES32_COIN, FRIEND, WALLET, 425 * UNIT // 10))


def _add_former_coin(plan: Plan) -> None:
    plan.add(slot_at(-SETUP_HOURS), mint_coins(FORMER_COIN, FRIEND, 5_000 * UNIT))
    plan.add(slot_at(13, 0), transfer_coins(FORMER_COIN, FRIEND, WALLET, 1_000 * UNIT))
    plan.add(slot_at(47, 0), transfer_coins(FORMER_COIN, WALLET, SECOND_FRIEND, 1_000 * UNIT))


def _add_poisoning(plan: Plan) -> None:
    """After a real payment to the friend, a look-alike of the friend shows up twice, with zero."""
    plan.add(
        slot_at(39, 0),
        transfer_coins(STABLE, FRIEND_LOOK_ALIKE, WALLET, 0, pattern=Pattern.POISONING),
        forge_zero_transfer(STABLE, POISONER, WALLET, FRIEND_LOOK_ALIKE),
    )
