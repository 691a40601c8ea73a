"""The planted patterns, found again by rules written down here independently of the plan."""

from collections import defaultdict
from datetime import timedelta

import pytest

from local_chain.addresses import COLLECTION, VAULT, WALLET, WETH
from local_chain.execution import Executed
from local_chain.facts import CollectionFacts
from local_chain.ledger import Ledger
from local_chain.nft_facts import describe_collection
from local_chain.plan import NATIVE, ZERO_ADDRESS
from local_chain.wash_story import PAIR, RING, SELF_TRADER

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def collection(executed: list[Executed], ledger: Ledger) -> CollectionFacts:
    return describe_collection(COLLECTION, executed, ledger)


@pytest.fixture(scope="module")
def paths(executed: list[Executed]) -> dict[int, list[str]]:
    """All holders of each token in order, the first from its mint."""
    found: dict[int, list[str]] = defaultdict(list)
    for each in executed:
        for movement in each.transaction.movements:
            if movement.asset == COLLECTION and movement.token_id is not None:
                found[movement.token_id].append(movement.receiver)
    return found


def tokens_of(collection: CollectionFacts, *kinds: str) -> set[int]:
    return {pattern.token_id for pattern in collection.planted if pattern.kind in kinds}


def test_only_planted_tokens_return_to_a_former_holder(
    collection: CollectionFacts, paths: dict[int, list[str]]
) -> None:
    returning = {token for token, path in paths.items() if len(set(path)) < len(path)}

    assert returning == tokens_of(collection, "self_trade", "round_trip", "ring", "vault_visit")


def test_the_patterns_run_through_the_planned_wallets(
    collection: CollectionFacts, paths: dict[int, list[str]]
) -> None:
    (self_trade,) = collection.planted_of("self_trade")
    (round_trip,) = collection.planted_of("round_trip")
    (ring,) = collection.planted_of("ring")
    (vault_visit,) = collection.planted_of("vault_visit")

    assert paths[self_trade.token_id] == [SELF_TRADER, SELF_TRADER]
    assert paths[round_trip.token_id] == [*PAIR, PAIR[0]]
    assert paths[ring.token_id] == [*RING, RING[0]]
    assert paths[vault_visit.token_id][1] == VAULT
    assert (self_trade.wallets, round_trip.wallets, ring.wallets) == ((SELF_TRADER,), PAIR, RING)
    assert [len(each.tx_hashes) for each in (self_trade, round_trip, ring)] == [1, 2, 3]


def test_only_planted_flips_are_resold_within_a_day_of_any_receipt(
    executed: list[Executed], collection: CollectionFacts
) -> None:
    received: dict[int, Executed] = {}
    flipped = set()
    for each in executed:
        for movement in each.transaction.movements:
            if movement.asset != COLLECTION or movement.token_id is None:
                continue
            before = received.get(movement.token_id)
            if each.transaction.sale and before and each.timestamp - before.timestamp <= DAY:
                flipped.add(movement.token_id)
            received[movement.token_id] = each

    assert flipped == tokens_of(collection, "rapid_flip")
    assert len(flipped) == 2


def test_only_the_self_trade_has_the_same_buyer_and_seller(collection: CollectionFacts) -> None:
    same = {sale.token_id for sale in collection.sales if sale.buyer == sale.seller}

    assert same == tokens_of(collection, "self_trade")


def test_honest_sales_vary_in_price_and_are_paid_in_both_ways(collection: CollectionFacts) -> None:
    prices = [sale.price_wei for sale in collection.honest_sales]

    assert len(prices) == 45
    assert len(set(prices)) > 30
    assert 2 * 10**17 < min(prices) < max(prices) < 3 * 10**18
    paid = [sale.currency for sale in collection.honest_sales]
    assert paid.count(NATIVE) > 15
    assert paid.count(WETH) > 15
    assert len(collection.sales) == 45 + 1 + 2 + 3 + 4


def test_the_mint_burst_is_one_block_of_sixty_to_three_wallets(
    collection: CollectionFacts, executed: list[Executed]
) -> None:
    burst = collection.mint_burst
    assert burst is not None
    assert (burst.mint_count, len(burst.receivers)) == (60, 3)
    mints_per_block: dict[int, int] = defaultdict(int)
    for each in executed:
        for movement in each.transaction.movements:
            if movement.asset == COLLECTION and movement.sender == ZERO_ADDRESS:
                mints_per_block[each.block_number] += 1
    assert mints_per_block.pop(burst.block_number) == 60
    assert max(mints_per_block.values()) <= 12


def test_nobody_holds_a_tenth_of_the_collection(
    ledger: Ledger, collection: CollectionFacts
) -> None:
    held: dict[str, int] = defaultdict(int)
    for token_id in ledger.token_ids(COLLECTION):
        (holder,) = ledger.holders(COLLECTION, token_id)
        held[holder] += 1
    assert sum(held.values()) == collection.total_supply
    assert max(held.values()) == 20
    assert collection.total_supply > 220


def test_the_wallet_holds_bought_and_minted_tokens_and_not_the_one_it_passed_on(
    ledger: Ledger, collection: CollectionFacts
) -> None:
    owned = [t for t in ledger.token_ids(COLLECTION) if ledger.balance(COLLECTION, WALLET, t)]

    assert len(owned) == 3
    assert sum(sale.buyer == WALLET for sale in collection.honest_sales) == 2
