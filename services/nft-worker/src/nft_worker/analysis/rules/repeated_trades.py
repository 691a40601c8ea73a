"""F3: one wallet bought, or sold, the same token again and again."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import Literal

from common.chain.types import Address
from nft_worker.analysis.findings import Accusation, Finding, places_of_sales
from nft_worker.analysis.sales import trades_of_unique_tokens
from nft_worker.analysis.wording import short
from nft_worker.models import Sale

WEIGHT = 0.4
"""Not enough to flag on its own, because market makers do it too.
Source: filter 3 of Dune's nft.wash_trades, which counts it as wash at three for ERC-721."""


def find_repeated_trades(
    sales: Iterable[Sale], contracts: Collection[Address], *, least: int
) -> list[Finding]:
    """Return one finding for each token and wallet that bought, or sold, it `least` times.

    Args:
        sales: In the order of the chain.
        contracts: Accounts with code: they trade one token repeatedly by design.
        least: Number of buys or sells from which on it counts.
    """
    trades = list(trades_of_unique_tokens(sales))
    return [
        *_repeated(trades, contracts, least, "repeated_buys", "bought", lambda sale: sale.buyer),
        *_repeated(trades, contracts, least, "repeated_sells", "sold", lambda sale: sale.seller),
    ]


def _repeated(
    sales: Iterable[Sale],
    contracts: Collection[Address],
    least: int,
    kind: Literal["repeated_buys", "repeated_sells"],
    verb: str,
    side: Callable[[Sale], Address],
) -> list[Finding]:
    by_wallet: defaultdict[tuple[int, Address], list[Sale]] = defaultdict(list)
    for sale in sales:
        by_wallet[sale.token_id, side(sale)].append(sale)
    return [
        Finding(
            type=kind,
            rule="repeated_trades",
            wallets=(wallet,),
            token_ids=(token_id,),
            places=places_of_sales(own),
            accused=tuple(Accusation(sale, WEIGHT) for sale in own),
            sales=tuple(sale.position for sale in own),
            explanation=f"{short(wallet)} {verb} token {token_id} {len(own)} times.",
            key=(token_id, wallet),
            value=len(own),
            threshold=least,
        )
        for (token_id, wallet), own in by_wallet.items()
        if len(own) >= least and wallet not in contracts
    ]
