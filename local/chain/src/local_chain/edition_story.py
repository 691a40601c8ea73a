"""The life of the ERC-1155 collection: single and batch transfers, one id traded both ways.

An edition is fungible: two wallets that sell parts of it to each other trade honestly.
"""

from itertools import pairwise

from local_chain.addresses import EDITIONS, FRIEND, MARKETPLACE, WALLET, numbered_accounts
from local_chain.nft_actions import (
    approve_nfts,
    buy_edition,
    mint_edition,
    mint_editions,
    transfer_edition,
    transfer_editions,
)
from local_chain.plan import SETUP_HOURS, Plan, slot_at

ETHER = 10**18
MILLIETHER = 10**15

TRADERS = numbered_accounts("edition trader", 2)
HOLDERS = numbered_accounts("edition holder", 8)
TRADED_ID = 4
REPEATED_IDS = ((2, 1), (3, 4), (2, 2))  # one batch that names an id twice


def tell_edition_story(plan: Plan) -> None:
    """Add every transaction of the editions to the plan."""
    start = slot_at(-SETUP_HOURS, 2)
    for holder in (*HOLDERS, FRIEND):
        plan.add(start, mint_editions(holder, [(1, 20), (2, 10), (3, 10)]))
    for number, (giver, taker) in enumerate(pairwise(HOLDERS), start=1):
        plan.add(slot_at(8 * number, 5), transfer_edition(giver, taker, 1 + number % 3, number))
    _add_wallet(plan)
    _add_honest_trades(plan)


def _add_wallet(plan: Plan) -> None:
    plan.add(slot_at(14, 2), transfer_edition(FRIEND, WALLET, 1, 3))
    plan.add(slot_at(16, 2), transfer_editions(FRIEND, WALLET, REPEATED_IDS))
    plan.add(slot_at(37, 2), transfer_edition(WALLET, FRIEND, 3, 1))


def _add_honest_trades(plan: Plan) -> None:
    first, second = TRADERS
    for trader in TRADERS:
        plan.fund(trader, 20 * ETHER)
        plan.add(slot_at(-1), mint_edition(trader, TRADED_ID, 50))
        plan.add(slot_at(-1), approve_nfts(EDITIONS, trader, MARKETPLACE))
    for slot, buyer, seller, quantity, price in (
        (slot_at(31, 0), second, first, 5, 250),
        (slot_at(35, 0), first, second, 3, 165),
        (slot_at(43, 0), second, first, 4, 210),
    ):
        sale = buy_edition(buyer, seller, TRADED_ID, quantity, price * MILLIETHER)
        plan.add(slot, sale)
