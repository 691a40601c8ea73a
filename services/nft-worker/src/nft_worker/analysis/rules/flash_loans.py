"""F5: the money of a sale was borrowed and paid back in the same transaction."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from nft_worker.analysis.findings import Accusation, Finding, places_of_sales
from nft_worker.analysis.wording import count_text, short
from nft_worker.models import Sale

WEIGHT = 0.6
"""Enough to flag on its own: whoever pays the money back at once cannot have paid it to a stranger,
unless he buys on credit. Source: filter 5 of Dune's nft.wash_trades; the weight is ours."""


def find_flash_loans(sales: Iterable[Sale], lenders: Mapping[str, str]) -> list[Finding]:
    """Return one finding for each transaction that sold something and took a flash loan.

    Args:
        sales: In the order of the chain.
        lenders: Who lent, by transaction hash.
    """
    found: defaultdict[str, list[Sale]] = defaultdict(list)
    for sale in sales:
        if sale.transaction_hash in lenders:
            found[sale.transaction_hash].append(sale)
    return [_finding(own, lenders[digest]) for digest, own in found.items()]


def _finding(sales: list[Sale], lender: str) -> Finding:
    wallets = tuple(sorted({wallet for sale in sales for wallet in (sale.seller, sale.buyer)}))
    tokens = tuple(sorted({sale.token_id for sale in sales}))
    named = f"Token {tokens[0]} was" if len(tokens) == 1 else f"{len(tokens)} tokens were"
    return Finding(
        type="flash_loan",
        rule="flash_loan",
        wallets=wallets,
        token_ids=tokens,
        places=places_of_sales(sales),
        accused=tuple(Accusation(sale, WEIGHT) for sale in sales),
        sales=tuple(sale.position for sale in sales),
        explanation=(
            f"{named} sold by {short(sales[0].seller)} to {short(sales[-1].buyer)} in a "
            f"transaction that took a flash loan of {lender} and paid it back "
            f"({count_text(len(sales), 'sale')})."
        ),
        key=(sales[0].transaction_hash,),
        value=len(sales),
    )
