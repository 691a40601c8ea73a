"""F2: two wallets sold one token to each other in both directions."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from common.chain.types import Address
from nft_worker.analysis.findings import Accusation, Finding, places_of_sales
from nft_worker.analysis.sales import trades_of_unique_tokens
from nft_worker.analysis.wording import count_text, short
from nft_worker.models import Sale

WEIGHT = 0.5
"""Enough to flag on its own. Source: filter 2 of Dune's nft.wash_trades, for ERC-721 only, because
two honest traders of an edition sell its interchangeable units to each other."""


def find_swap_backs(sales: Iterable[Sale], contracts: Collection[Address]) -> list[Finding]:
    """Return one finding for each token and pair of wallets that sold it both ways.

    Args:
        sales: In the order of the chain.
        contracts: Accounts with code: pools and vaults trade both ways by design.
    """
    traded: defaultdict[tuple[int, Address, Address], list[Sale]] = defaultdict(list)
    for sale in trades_of_unique_tokens(sales):
        if sale.seller not in contracts and sale.buyer not in contracts:
            traded[sale.token_id, sale.seller, sale.buyer].append(sale)
    findings = []
    for (token_id, seller, buyer), there in traded.items():
        back = traded.get((token_id, buyer, seller), [])
        if not back or not seller < buyer:
            continue
        both = sorted(there + back, key=lambda sale: sale.position)
        findings.append(
            Finding(
                type="swap_back",
                rule="swap_back",
                wallets=(seller, buyer),
                token_ids=(token_id,),
                places=places_of_sales(both),
                accused=tuple(Accusation(sale, WEIGHT) for sale in both),
                sales=tuple(sale.position for sale in both),
                explanation=(
                    f"{short(seller)} and {short(buyer)} sold token {token_id} to each other: "
                    f"{count_text(len(there), 'time')} one way, "
                    f"{count_text(len(back), 'time')} back."
                ),
                key=(token_id, seller, buyer),
                value=len(both),
            )
        )
    return findings
