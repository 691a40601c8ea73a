"""Sales: transfers that their recipient paid for, and the price of each."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from common.chain.transfers import NftTransfer
from common.chain.types import Address
from nft_worker.analysis.movements import is_trade_candidate
from nft_worker.analysis.payments import Payment, payment_of
from nft_worker.models import NATIVE, PaidTransaction, Sale, Timestamps


def decode_sales(
    transfers: Iterable[NftTransfer],
    transactions: Mapping[str, PaidTransaction],
    timestamps: Timestamps,
) -> list[Sale]:
    """Return the sales among transfers, in the order of the chain.

    A transfer is a sale when its recipient paid in the transaction. What was paid is divided
    evenly among all NFTs that arrived with it, of whatever collection; the first ones bear what
    does not divide, so that the parts add up to the payment.

    Args:
        transfers: In the order of the chain, conduits removed.
        transactions: By hash; a transfer whose transaction is missing is no sale.
        timestamps: Unix seconds of each block.
    """
    payments: dict[tuple[str, Address], Payment | None] = {}
    places: Counter[tuple[str, Address]] = Counter()
    sales: list[Sale] = []
    for transfer in transfers:
        transaction = transactions.get(transfer.transaction_hash)
        if transaction is None or not is_trade_candidate(transfer):
            continue
        purchase = (transfer.transaction_hash, transfer.recipient)
        if purchase not in payments:
            payments[purchase] = payment_of(transfer.recipient, transaction)
        payment = payments[purchase]
        if payment is not None:
            sales.append(_sale(transfer, payment, places[purchase], timestamps))
            places[purchase] += 1
    return sales


def _sale(transfer: NftTransfer, payment: Payment, place: int, timestamps: Timestamps) -> Sale:
    price = None
    if payment.amount is not None:
        share, rest = divmod(payment.amount, payment.items)
        price = share + (place < rest)
    seen_at_seller = payment.currency == NATIVE or transfer.sender in payment.payees
    return Sale(
        token_id=transfer.token_id,
        quantity=transfer.amount,
        standard=transfer.standard,
        seller=transfer.sender,
        buyer=transfer.recipient,
        currency=payment.currency,
        price=price,
        price_source=payment.source,
        price_estimated=price is not None and (payment.items > 1 or not seen_at_seller),
        is_bundle=payment.items > 1,
        timestamp=timestamps[transfer.block_number],
        block_number=transfer.block_number,
        transaction_hash=transfer.transaction_hash,
        log_index=transfer.log_index,
        batch_index=transfer.batch_index,
    )


def trades_of_unique_tokens(sales: Iterable[Sale]) -> Iterator[Sale]:
    """Yield the ERC-721 sales: units of an edition cannot be told apart, so resales cannot."""
    return (sale for sale in sales if sale.standard == "erc721")
