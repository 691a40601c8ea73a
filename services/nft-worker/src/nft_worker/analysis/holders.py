"""Who holds the tokens that moved, and how unevenly they are spread."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import accumulate

from common.chain.transfers import NftTransfer
from common.chain.types import ZERO_ADDRESS, Address
from common.chain.units import share_pct
from common.results.nft_movements import NftHolder, NftHolders
from common.statistics import gini
from nft_worker.analysis.movements import NOBODY
from nft_worker.analysis.rules.dumps import HeldBefore
from nft_worker.history import History
from nft_worker.models import Holdings, Position, position

TOP_HOLDERS = 10
COMPLETE_COVERAGE = 0.999
"""A rare unanswered balance does not make a distribution partial."""


def holder_distribution(holdings: Holdings, total_supply: int | None) -> NftHolders:
    """Return holders and concentration of the tokens seen, with how much of the supply that is.

    Tokens at the dead address count towards the coverage and have no holder.

    Args:
        holdings: Balances at the pinned block.
        total_supply: All tokens (units) that exist; None when not known.
    """
    balances = held_by_somebody(holdings.balances)
    held = sum(balances.values())
    coverage = sum(holdings.balances.values()) / total_supply if total_supply else None
    return NftHolders(
        count=len(balances),
        held_raw=str(held),
        unknown_count=holdings.unknown,
        coverage=coverage,
        coverage_status=(
            "unknown"
            if coverage is None
            else "complete"
            if coverage >= COMPLETE_COVERAGE
            else "partial"
        ),
        gini=gini(sorted(balances.values())),
        top_10_pct=share_pct(
            sum(balances[holder] for holder in largest_holders(balances)), total_supply or held
        ),
        top=[
            NftHolder(
                address=holder,
                balance_raw=str(balances[holder]),
                supply_pct=share_pct(balances[holder], total_supply or 0),
                is_contract=holder in holdings.contracts,
            )
            for holder in largest_holders(balances)
        ],
    )


def held_by_somebody(balances: Mapping[Address, int]) -> dict[Address, int]:
    """Return the positive balances of accounts that somebody can act from."""
    return {
        holder: balance
        for holder, balance in balances.items()
        if balance > 0 and holder not in NOBODY
    }


def largest_holders(balances: Mapping[Address, int]) -> list[Address]:
    """Return the holders with the highest balances, largest first."""
    return sorted(balances, key=lambda holder: (-balances[holder], holder))[:TOP_HOLDERS]


def total_supply(history: History, transfers: Iterable[NftTransfer]) -> int | None:
    """Return how many tokens (units) exist: the contract's word, else what mints and burns tell.

    None when the contract does not say and the window does not hold the whole history.

    Args:
        history: The window.
        transfers: Its transfers, each once.
    """
    if history.collection.total_supply is not None:
        return history.collection.total_supply
    if not history.reaches_origin:
        return None
    return sum(
        transfer.amount * ((transfer.sender == ZERO_ADDRESS) - (transfer.recipient == ZERO_ADDRESS))
        for transfer in transfers
    )


def holdings_over_time(
    transfers: Iterable[NftTransfer],
    seller_balances: Mapping[Address, int],
    wallets: Collection[Address],
    *,
    reaches_origin: bool,
) -> HeldBefore:
    """Return a function that tells what a wallet held just before a place in the window.

    With the whole history read that is all it got less all it passed on; else its balance at the
    end of the window less what it gained since.

    Args:
        transfers: In the order of the chain.
        seller_balances: Balances at the end of the window, where they were read.
        wallets: The wallets that will be asked about.
        reaches_origin: The transfers are all there ever were.
    """
    places, sums = _running_balances(transfers, wallets)

    def held_before(wallet: Address, at: Position) -> int | None:
        gained = sums[wallet]
        gained_before = gained[bisect_left(places[wallet], at)]
        if reaches_origin:
            return gained_before
        balance = seller_balances.get(wallet)
        return None if balance is None else balance - (gained[-1] - gained_before)

    return held_before


def _running_balances(
    transfers: Iterable[NftTransfer], wallets: Collection[Address]
) -> tuple[dict[Address, list[Position]], dict[Address, list[int]]]:
    """Return each wallet's places of change, and its gain before each of them and at the end."""
    places: defaultdict[Address, list[Position]] = defaultdict(list)
    changes: defaultdict[Address, list[int]] = defaultdict(list)
    for transfer in transfers:
        for wallet, change in (
            (transfer.sender, -transfer.amount),
            (transfer.recipient, transfer.amount),
        ):
            if wallet in wallets:
                places[wallet].append(position(transfer))
                changes[wallet].append(change)
    sums = {wallet: list(accumulate(changes[wallet], initial=0)) for wallet in wallets}
    return {wallet: places[wallet] for wallet in wallets}, sums
