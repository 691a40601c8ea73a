"""The life of the FLOW token: whales, mints, burns, many small holders, one spike of activity."""

from random import Random

from local_chain.addresses import FLOW, FRIEND, SMALL_HOLDERS, WALLET, WHALES
from local_chain.coin_actions import burn_coins, mint_coins, transfer_coins
from local_chain.plan import SETUP_HOURS, SLOTS_PER_HOUR, TRAFFIC_HOURS, Plan, slot_at

UNIT = 10**18
CENT = UNIT // 100

SPIKE_HOUR = TRAFFIC_HOURS - 3
SPIKE_TRANSFERS = 170
HOURLY_TRANSFERS = (11, 17)  # fewest and most of an ordinary hour

INITIAL_SUPPLY = 9_900_000
INITIAL_WHALE_BALANCES = (1_450_000, 1_450_000, 751_500, 52_000)
SMALL_HOLDER_BALANCES = (14_000, 68_000)  # before they are scaled to what whales leave over


def tell_flow_story(plan: Plan, rng: Random) -> None:
    """Add every transaction of the FLOW token to the plan."""
    balances = _distribute(plan, rng)
    _add_whales(plan)
    _add_wallet(plan, balances)
    for hour in range(TRAFFIC_HOURS):
        if hour == SPIKE_HOUR:
            _add_transfers(plan, rng, balances, hour, SPIKE_TRANSFERS, median=2_200, most=6_000)
        else:
            count = rng.randint(*HOURLY_TRANSFERS)
            _add_transfers(plan, rng, balances, hour, count, median=180, most=1_500)


def _distribute(plan: Plan, rng: Random) -> dict[str, int]:
    """Mint the initial supply; return the small holders' balances in whole tokens."""
    for whale, balance in zip(WHALES, INITIAL_WHALE_BALANCES, strict=True):
        plan.add(slot_at(-SETUP_HOURS), mint_coins(FLOW, whale, balance * UNIT))
    left = INITIAL_SUPPLY - sum(INITIAL_WHALE_BALANCES)
    wishes = [rng.randint(*SMALL_HOLDER_BALANCES) for _ in SMALL_HOLDERS]
    shares = [wish * left // sum(wishes) for wish in wishes]
    shares[0] += left - sum(shares)
    slots = 3 * SLOTS_PER_HOUR
    for index, (holder, share) in enumerate(zip(SMALL_HOLDERS, shares, strict=True)):
        slot = slot_at(-SETUP_HOURS, 1) + index * slots // len(SMALL_HOLDERS)
        plan.add(slot, mint_coins(FLOW, holder, share * UNIT))
    return dict(zip(SMALL_HOLDERS, shares, strict=True))


def _add_whales(plan: Plan) -> None:
    """One whale accumulates, one distributes, one burns, one is paid by a mint."""
    accumulating, distributing, burning, minted = WHALES
    plan.add(slot_at(20, 2), transfer_coins(FLOW, distributing, accumulating, 200_000 * UNIT))
    plan.add(slot_at(40, 1), mint_coins(FLOW, minted, 250_000 * UNIT))
    plan.add(slot_at(50, 3), burn_coins(FLOW, burning, 150_000 * UNIT))
    # What follows lies within the newest hundred transfers.
    plan.add(slot_at(70, 0), mint_coins(FLOW, SMALL_HOLDERS[9], 1_000 * UNIT))
    plan.add(slot_at(70, 2), transfer_coins(FLOW, burning, SMALL_HOLDERS[3], 1_500 * UNIT))
    plan.add(slot_at(70, 4), transfer_coins(FLOW, minted, SMALL_HOLDERS[7], 2_000 * UNIT))
    plan.add(slot_at(71, 1), burn_coins(FLOW, SMALL_HOLDERS[9], 1_000 * UNIT))
    plan.add(slot_at(71, 3), transfer_coins(FLOW, distributing, accumulating, 150_000 * UNIT))


def _add_wallet(plan: Plan, balances: dict[str, int]) -> None:
    """The wallet of the examples receives twice and sends once; 12,345.678 FLOW remain."""
    first, second = SMALL_HOLDERS[11], SMALL_HOLDERS[23]
    plan.add(slot_at(5, 2), transfer_coins(FLOW, first, WALLET, 8_000 * UNIT))
    plan.add(slot_at(30, 4), transfer_coins(FLOW, second, WALLET, 650_025 * CENT))
    plan.add(slot_at(44, 1), transfer_coins(FLOW, WALLET, FRIEND, 2_154_572 * UNIT // 1000))
    balances[first] -= 8_000
    balances[second] -= 6_501


def _add_transfers(
    plan: Plan,
    rng: Random,
    balances: dict[str, int],
    hour: int,
    count: int,
    *,
    median: int,
    most: int,
) -> None:
    """Spread transfers between small holders over an hour; amounts are log-normal, in cents."""
    for index in range(count):
        sender, receiver = rng.sample(SMALL_HOLDERS, 2)
        wish = int(median * rng.lognormvariate(0, 0.8))
        tokens = max(1, min(wish, most, balances[sender] // 4))
        cents = rng.randrange(100)
        # The ledger in whole tokens is a safe lower bound: a sender counts the cents as one more.
        balances[sender] -= tokens + 1
        balances[receiver] += tokens
        slot = slot_at(hour, index * SLOTS_PER_HOUR // count)
        plan.add(slot, transfer_coins(FLOW, sender, receiver, tokens * UNIT + cents * CENT))
