"""F4: buyer and seller had their first coin from the same wallet, or from each other."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from common.chain.types import Address
from nft_worker.analysis.findings import Accusation, Finding, places_of_sales
from nft_worker.analysis.wording import count_text, short
from nft_worker.models import Funding, Sale

WEIGHT = 0.5
"""Enough to flag on its own, beside the suspicion that made somebody look.
Source: filter 4 of Dune's nft.wash_trades; the weight is this project's."""


def wallets_to_look_up(
    sales: Iterable[Sale], contracts: Collection[Address], most: int
) -> tuple[list[Address], int]:
    """Return the wallets whose first funder is worth a search, and how many there are in all.

    Args:
        sales: Those that some other rule accuses.
        contracts: Accounts with code: nobody funds them to trade.
        most: Wallets returned: those with most of these sales.
    """
    counts = Counter(
        wallet
        for sale in sales
        if sale.seller != sale.buyer
        for wallet in (sale.seller, sale.buyer)
        if wallet not in contracts
    )
    ranked = sorted(counts, key=lambda wallet: (-counts[wallet], wallet))
    return ranked[:most], len(ranked)


def find_common_funders(
    sales: Iterable[Sale], fundings: Mapping[Address, Funding]
) -> list[Finding]:
    """Return one finding for each pair of wallets that traded and are tied by their first coin.

    Args:
        sales: In the order of the chain.
        fundings: First coin by wallet; those of services are absent.
    """
    found: defaultdict[tuple[Address, Address, Address], list[Sale]] = defaultdict(list)
    for sale in sales:
        funder = _tie(sale, fundings)
        if funder is not None:
            pair = (sale.seller, sale.buyer)
            found[min(pair), max(pair), funder].append(sale)
    return [_finding(*wallets, own) for wallets, own in found.items()]


def _tie(sale: Sale, fundings: Mapping[Address, Funding]) -> Address | None:
    """Return the funder that ties both sides; coin that came with or after the sale ties nobody."""
    if sale.seller == sale.buyer:
        return None
    of_seller, of_buyer = (
        funding.funder
        if (funding := fundings.get(wallet)) and funding.block_number < sale.block_number
        else None
        for wallet in (sale.seller, sale.buyer)
    )
    if of_seller is not None and of_seller in (of_buyer, sale.buyer):
        return of_seller
    return of_buyer if of_buyer == sale.seller else None


def _finding(one: Address, other: Address, funder: Address, sales: Sequence[Sale]) -> Finding:
    wallets = tuple(sorted({one, other, funder}))
    funded = other if funder == one else one
    tie = (
        f"{short(one)} and {short(other)} got their first coin from {short(funder)}"
        if funder not in (one, other)
        else f"{short(funded)} got its first coin from {short(funder)}"
    )
    tokens = tuple(sorted({sale.token_id for sale in sales}))
    return Finding(
        type="common_funder",
        rule="common_funder",
        wallets=wallets,
        token_ids=tokens,
        places=places_of_sales(sales),
        accused=tuple(Accusation(sale, WEIGHT) for sale in sales),
        sales=tuple(sale.position for sale in sales),
        explanation=f"{tie}; the two traded in {count_text(len(sales), 'suspicious sale')}.",
        key=(one, other, funder),
        value=len(sales),
    )
