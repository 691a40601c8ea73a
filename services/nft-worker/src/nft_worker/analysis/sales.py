"""Sales: transfers that their recipient paid for, and the price of each."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping

from common.chain.transfers import NftTransfer
from common.chain.types import Address
from nft_worker.analysis.markets.fills import NATIVE, Item
from nft_worker.analysis.movements import is_trade_candidate
from nft_worker.analysis.orders import Share, order_shares
from nft_worker.analysis.payments import Payment, payment_of
from nft_worker.models import PaidTransaction, Sale, Timestamps


def decode_sales(
    transfers: Iterable[NftTransfer],
    transactions: Mapping[str, PaidTransaction],
    timestamps: Timestamps,
) -> Iterator[Sale]:
    """Yield the sales among transfers, in the order of the chain.

    A transfer is a sale when a marketplace's order delivered the token in its transaction. In
    transactions without such orders it is one when its recipient paid: what was paid is divided
    evenly among all NFTs that arrived with it, of whatever collection; the first ones bear what
    does not divide, so that the parts add up to the payment.

    Who sold and who bought is told by the transfers, not by the order.

    Args:
        transfers: In the order of the chain, conduits removed.
        transactions: By hash; a transfer whose transaction is missing is no sale.
        timestamps: Unix seconds of each block.
    """
    payments: dict[tuple[str, Address], Payment | None] = {}
    orders: dict[str, dict[Item, deque[Share]]] = {}
    places: Counter[tuple[str, Address]] = Counter()
    for transfer in transfers:
        transaction = transactions.get(transfer.transaction_hash)
        if transaction is None or not is_trade_candidate(transfer):
            continue
        if transaction.fills:
            if transfer.transaction_hash not in orders:
                orders[transfer.transaction_hash] = order_shares(transaction)
            shares = orders[transfer.transaction_hash].get(
                Item(transfer.contract, transfer.token_id)
            )
            if shares:
                yield _ordered_sale(transfer, shares.popleft(), timestamps)
            continue
        purchase = (transfer.transaction_hash, transfer.recipient)
        if purchase not in payments:
            payments[purchase] = payment_of(transfer.recipient, transaction)
        payment = payments[purchase]
        if payment is not None:
            yield _paid_sale(transfer, payment, places[purchase], timestamps)
            places[purchase] += 1


def _ordered_sale(transfer: NftTransfer, share: Share, timestamps: Timestamps) -> Sale:
    return Sale(
        token_id=transfer.token_id,
        quantity=transfer.amount,
        standard=transfer.standard,
        seller=transfer.sender,
        buyer=transfer.recipient,
        currency=share.currency,
        price=share.price,
        price_source="none" if share.price is None else "event",
        price_estimated=share.is_bundle and share.price is not None,
        is_bundle=share.is_bundle,
        timestamp=timestamps[transfer.block_number],
        block_number=transfer.block_number,
        transaction_hash=transfer.transaction_hash,
        log_index=transfer.log_index,
        batch_index=transfer.batch_index,
        marketplace=share.marketplace,
    )


def _paid_sale(transfer: NftTransfer, payment: Payment, place: int, timestamps: Timestamps) -> Sale:
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
