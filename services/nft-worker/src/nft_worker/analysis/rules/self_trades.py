"""F1: the buyer is the seller."""

from collections import defaultdict
from collections.abc import Iterable

from common.chain.types import Address
from nft_worker.analysis.findings import Accusation, Finding, places_of_sales
from nft_worker.analysis.wording import count_text, short
from nft_worker.models import Sale

WEIGHT = 1.0
"""A sale to oneself has no other explanation. Source: filter 1 of Dune's nft.wash_trades."""


def find_self_trades(sales: Iterable[Sale]) -> list[Finding]:
    """Return one finding for each token and wallet that sold it to itself."""
    found: defaultdict[tuple[int, Address], list[Sale]] = defaultdict(list)
    for sale in sales:
        if sale.seller == sale.buyer:
            found[sale.token_id, sale.buyer].append(sale)
    return [
        Finding(
            type="self_trade",
            rule="self_trade",
            wallets=(wallet,),
            token_ids=(token_id,),
            places=places_of_sales(own),
            accused=tuple(Accusation(sale, WEIGHT) for sale in own),
            sales=tuple(sale.position for sale in own),
            explanation=(
                f"{short(wallet)} sold token {token_id} to itself: buyer and seller of "
                f"{count_text(len(own), 'sale')} are the same wallet."
            ),
            key=(token_id, wallet),
            value=len(own),
        )
        for (token_id, wallet), own in found.items()
    ]
