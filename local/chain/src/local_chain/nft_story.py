"""The honest life of the ERC-721 collection: mints, one mint burst, sales, gifts and burns."""

from random import Random

from local_chain.addresses import (
    COLLECTION,
    COLLECTORS,
    FRIEND,
    MARKETPLACE,
    SECOND_FRIEND,
    WALLET,
    WETH,
    numbered_accounts,
)
from local_chain.coin_actions import approve_coins, wrap
from local_chain.nft_actions import accept_bid, approve_nfts, burn_nft, buy_nft, transfer_nft
from local_chain.nft_mints import Mints
from local_chain.plan import (
    SETUP_HOURS,
    SLOTS_PER_HOUR,
    TRAFFIC_HOURS,
    Pattern,
    Plan,
    slot_at,
)
from local_chain.wash_story import WASH_TRADERS, tell_wash_story

ETHER = 10**18
MILLIETHER = 10**15

BURST_MINTERS = numbered_accounts("burst minter", 3)
BURST_SLOT = slot_at(8, 2)
BURST_QUANTITY_EACH = 20
TOKENS_PER_COLLECTOR = 4
WALLET_PURCHASES = 2
HONEST_SALES = 40
HONEST_RESALES = 5
GIFTS = 10
BURNS = 2
# A resale within a day is a rapid flip by definition, so honest buyers keep a token for longer.
LEAST_HOLD_SLOTS = 25 * SLOTS_PER_HOUR


def tell_nft_story(plan: Plan, rng: Random) -> None:
    """Add every transaction of the collection to the plan, the wash trades included."""
    _equip_traders(plan)
    mints = Mints(plan)
    tell_wash_story(plan, mints)
    _add_wallet(plan, mints)
    collected = _add_mints(plan, mints, rng)
    rng.shuffle(collected)
    tokens = iter(collected)
    for index in range(HONEST_SALES):
        _add_honest_sale(plan, rng, index, next(tokens), mints.first_owners)
    for _ in range(GIFTS):
        token_id = next(tokens)
        giver = mints.first_owners[token_id]
        slot = _random_slot(rng, 10, 70)
        plan.add(slot, transfer_nft(giver, _other_collector(rng, giver), token_id))
    for _ in range(BURNS):
        token_id = next(tokens)
        plan.add(_random_slot(rng, 30, 60), burn_nft(mints.first_owners[token_id], token_id))


def _equip_traders(plan: Plan) -> None:
    """Traders get funds, wrap some, and let the marketplace move their tokens and WETH."""
    for index, trader in enumerate((*COLLECTORS, *WASH_TRADERS, WALLET)):
        slot = slot_at(-2) + index // 6
        plan.add(slot, approve_nfts(COLLECTION, trader, MARKETPLACE))
        plan.add(slot, approve_coins(WETH, trader, MARKETPLACE))
        if trader != WALLET:  # its native currency and WETH are its own story
            plan.fund(trader, 100 * ETHER)
            plan.add(slot, wrap(trader, 30 * ETHER))


def _add_wallet(plan: Plan, mints: Mints) -> None:
    """The wallet keeps a token minted to it, and passes on one that it was given."""
    start = slot_at(-SETUP_HOURS)
    mints.add(start, WALLET)
    (gift,) = mints.add(start, FRIEND)
    plan.add(slot_at(12, 1), transfer_nft(FRIEND, WALLET, gift))
    plan.add(slot_at(41, 1), transfer_nft(WALLET, SECOND_FRIEND, gift))


def _add_mints(plan: Plan, mints: Mints, rng: Random) -> list[int]:
    """Plan all other mints; return the tokens the collectors got before traffic began."""
    collected: list[int] = []
    for index, collector in enumerate(COLLECTORS):
        slot = slot_at(-SETUP_HOURS, 1) + index // 3
        collected.extend(mints.add(slot, collector, TOKENS_PER_COLLECTOR))
    mints.add(slot_at(3, 4), rng.choice(COLLECTORS))
    for minter in BURST_MINTERS:
        mints.add(BURST_SLOT, minter, BURST_QUANTITY_EACH, pattern=Pattern.MINT_BURST)
    for hour in range(12, TRAFFIC_HOURS, 9):
        mints.add(slot_at(hour, 4), rng.choice(COLLECTORS))
    return collected


def _add_honest_sale(
    plan: Plan, rng: Random, index: int, token_id: int, owners: dict[int, str]
) -> None:
    """Sell a token at a varied price; the first few are sold on to a third collector later."""
    seller, resold = owners[token_id], index < HONEST_RESALES
    buyer = WALLET if index >= HONEST_SALES - WALLET_PURCHASES else _other_collector(rng, seller)
    slot = _random_slot(rng, 24, 40 if resold else 70)
    _add_sale(plan, rng, slot, seller, buyer, token_id, paid_in_weth=index % 2 == 1)
    if resold:
        later = slot + LEAST_HOLD_SLOTS + rng.randrange(5 * SLOTS_PER_HOUR)
        taker = _other_collector(rng, seller, buyer)
        _add_sale(plan, rng, later, buyer, taker, token_id, paid_in_weth=index % 2 == 0)


def _add_sale(
    plan: Plan,
    rng: Random,
    slot: int,
    seller: str,
    buyer: str,
    token_id: int,
    *,
    paid_in_weth: bool,
) -> None:
    price_wei = round(800 * rng.lognormvariate(0, 0.35)) * MILLIETHER
    if paid_in_weth:
        plan.add(slot, accept_bid(seller, buyer, token_id, price_wei))
    else:
        plan.add(slot, buy_nft(buyer, seller, token_id, price_wei))


def _other_collector(rng: Random, *taken: str) -> str:
    return rng.choice([collector for collector in COLLECTORS if collector not in taken])


def _random_slot(rng: Random, first_hour: int, last_hour: int) -> int:
    return rng.randrange(slot_at(first_hour), slot_at(last_hour))
