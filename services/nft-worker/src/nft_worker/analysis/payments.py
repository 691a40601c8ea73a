"""What a wallet paid in a transaction, told by the flows of money when no marketplace says it."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

from common.chain.types import Address
from nft_worker.analysis.markets.fills import NATIVE
from nft_worker.models import PaidTransaction


@dataclass(frozen=True, slots=True)
class Payment:
    """Everything one buyer paid in one transaction, and for how many items.

    Attributes:
        currency: NATIVE or a token's address; None when several were paid.
        amount: In the currency's smallest unit; None when several were paid.
        items: NFT transfers of any collection that arrived at the buyer, at least 1.
        payees: Who received the currency in the transaction, as far as logs tell.
    """

    currency: str | None
    amount: int | None
    source: Literal["tx_value", "erc20_legs", "none"]
    items: int
    payees: frozenset[Address]


def payment_of(buyer: Address, transaction: PaidTransaction) -> Payment | None:
    """Return what `buyer` paid in a transaction; None when that was nothing, or tokens as well.

    Whoever gives away other NFTs in the same transaction barters: a sum on top is no price.

    The native value counts when the buyer sent the transaction; of each token, what left the
    buyer less what came back. Value moved by a contract on the buyer's behalf is not in the logs
    and is not seen.

    Source: the fallback price of Dune's `nft.mints`, with the outflow netted.
    """
    items = sum(transfer.recipient == buyer for transfer in transaction.nfts)
    if _barters(buyer, transaction):
        return None
    legs = _erc20_outflows(buyer, transaction)
    if transaction.sender == buyer and transaction.value_wei > 0:
        legs[NATIVE] = transaction.value_wei
    if not legs or not items:
        return None
    if len(legs) > 1:
        return Payment(None, None, "none", items, frozenset())
    ((currency, amount),) = legs.items()
    payees = frozenset(leg.recipient for leg in transaction.erc20 if leg.contract == currency)
    source: Literal["tx_value", "erc20_legs"] = "tx_value" if currency == NATIVE else "erc20_legs"
    return Payment(currency, amount, source, items, payees)


def _barters(buyer: Address, transaction: PaidTransaction) -> bool:
    """Tell whether tokens left `buyer` that did not come to him in the same transaction."""
    given = {(move.contract, move.token_id) for move in transaction.nfts if move.sender == buyer}
    return bool(given) and not given.issubset(
        (move.contract, move.token_id) for move in transaction.nfts if move.recipient == buyer
    )


def _erc20_outflows(buyer: Address, transaction: PaidTransaction) -> dict[str, int]:
    """Return what left the buyer of each token, less what came back, where that is positive.

    A transfer to oneself is payment to oneself: buyer and seller are the same in a self-trade.
    """
    net: defaultdict[str, int] = defaultdict(int)
    for leg in transaction.erc20:
        if leg.sender == buyer:
            net[leg.contract] += leg.amount
        elif leg.recipient == buyer:
            net[leg.contract] -= leg.amount
    return {currency: amount for currency, amount in net.items() if amount > 0}
