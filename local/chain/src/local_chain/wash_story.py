"""What an analysis of the collection must find: wash trades and flips, each on its own token.

Trades that are not meant to be rapid flips lie more than a day apart, and so does the first of
them from the mint: whatever rule counts a resale within 24 hours, only the planted flips match.
"""

from itertools import pairwise

from local_chain.addresses import COLLECTION, VAULT, account, numbered_accounts
from local_chain.nft_actions import (
    accept_bid,
    approve_nfts,
    buy_nft,
    deposit_in_vault,
    withdraw_from_vault,
)
from local_chain.nft_mints import Mints
from local_chain.plan import SETUP_HOURS, Pattern, Plan, slot_at

MILLIETHER = 10**15
START = slot_at(-SETUP_HOURS)

PAIR = numbered_accounts("round trip trader", 2)
RING = numbered_accounts("ring trader", 3)
FLIPPERS = numbered_accounts("flip trader", 3)
SELF_TRADER = account("self trader")
VAULT_USER = account("vault user")
WASH_TRADERS = (*PAIR, *RING, *FLIPPERS, SELF_TRADER)


def tell_wash_story(plan: Plan, mints: Mints) -> None:
    """Mint the tokens of the story in the first slot and trade them."""
    _add_self_trade(plan, mints)
    _add_round_trip(plan, mints)
    _add_ring(plan, mints)
    _add_rapid_flips(plan, mints)
    _add_vault_visit(plan, mints)


def _add_self_trade(plan: Plan, mints: Mints) -> None:
    (token_id,) = mints.add(START, SELF_TRADER)
    sale = buy_nft(
        SELF_TRADER, SELF_TRADER, token_id, 5_000 * MILLIETHER, pattern=Pattern.SELF_TRADE
    )
    plan.add(slot_at(30, 2), sale)


def _add_round_trip(plan: Plan, mints: Mints) -> None:
    """There for native currency, back for WETH."""
    first, second = PAIR
    (token_id,) = mints.add(START, first)
    kind = Pattern.ROUND_TRIP
    there = buy_nft(second, first, token_id, 2_000 * MILLIETHER, pattern=kind)
    back = accept_bid(second, first, token_id, 2_100 * MILLIETHER, pattern=kind)
    plan.add(slot_at(22, 1), there)
    plan.add(slot_at(50, 1), back)


def _add_ring(plan: Plan, mints: Mints) -> None:
    (token_id,) = mints.add(START, RING[0])
    moments = (slot_at(22, 0), slot_at(46, 3), slot_at(71, 0))
    prices = (3_000 * MILLIETHER, 3_300 * MILLIETHER, 3_600 * MILLIETHER)
    hops = pairwise((*RING, RING[0]))
    for (seller, buyer), slot, price in zip(hops, moments, prices, strict=True):
        plan.add(slot, buy_nft(buyer, seller, token_id, price, pattern=Pattern.RING))


def _add_rapid_flips(plan: Plan, mints: Mints) -> None:
    """One resale after half an hour, another after ten hours."""
    maker, flipper, taker = FLIPPERS
    kind = Pattern.RAPID_FLIP
    for bought, sold, paid, got in (
        (slot_at(60, 1), slot_at(60, 4), 900 * MILLIETHER, 1_600 * MILLIETHER),
        (slot_at(52, 1), slot_at(62, 1), 800 * MILLIETHER, 1_100 * MILLIETHER),
    ):
        (token_id,) = mints.add(START, maker)
        plan.add(bought, buy_nft(flipper, maker, token_id, paid, pattern=kind))
        plan.add(sold, accept_bid(flipper, taker, token_id, got, pattern=kind))


def _add_vault_visit(plan: Plan, mints: Mints) -> None:
    """In and out of a contract: a cycle of holders that is no wash trade."""
    (token_id,) = mints.add(START, VAULT_USER)
    plan.add(slot_at(25, 0), approve_nfts(COLLECTION, VAULT_USER, VAULT))
    plan.add(slot_at(26, 0), deposit_in_vault(VAULT_USER, token_id))
    plan.add(slot_at(55, 0), withdraw_from_vault(VAULT_USER, token_id))
