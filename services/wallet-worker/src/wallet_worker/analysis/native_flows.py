"""The native coin that is known to have moved to and from the wallet."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from common.chain.transfers import WrapEvent
from common.chain.types import Address, Receipt, Transaction
from wallet_worker.analysis.discovery import transaction_places
from wallet_worker.models import History, NativeSearch, Payment


@dataclass(frozen=True, slots=True)
class NativeFlows:
    """Sums in wei.

    Attributes:
        left_wei: Values and fees that the wallet paid.
        is_complete: Every transaction that the wallet sent, or that paid to it, is counted.
    """

    arrived_wei: int = 0
    left_wei: int = 0
    is_complete: bool = False


@dataclass(frozen=True, slots=True)
class NativeMove:
    """Wei that came and went at one moment of a block."""

    block_number: int
    arrived_wei: int
    left_wei: int


def native_flows(
    after_block: int, moves: Iterable[NativeMove], *, is_complete: bool
) -> NativeFlows:
    """Return what moved after a block."""
    since = [each for each in moves if each.block_number > after_block]
    return NativeFlows(
        sum(each.arrived_wei for each in since),
        sum(each.left_wei for each in since),
        is_complete,
    )


def native_moves(
    wallet: Address,
    transactions: Iterable[Transaction],
    receipts: Mapping[str, Receipt],
    wraps: Iterable[WrapEvent],
    payments: Collection[Payment],
) -> Iterator[NativeMove]:
    """Yield all that is known; transactions without effect cost their fee only.

    An unwrap pays the coin inside its transaction: it counts by its event, unless the payment
    itself was found. A wrap is the value of its transaction when the wallet called the wrapper.
    """
    for transaction in transactions:
        receipt = receipts.get(transaction.hash)
        took_effect = receipt is None or receipt.is_success is not False
        value = transaction.value_wei if took_effect else 0
        fee = (receipt.fee_wei or 0) if receipt else 0
        yield NativeMove(
            transaction.block_number,
            value if transaction.recipient == wallet else 0,
            value + fee if transaction.sender == wallet else 0,
        )
    paid_inside: Counter[tuple[str | None, Address | None, int]] = Counter()
    for payment in payments:
        arrived, left = payment.recipient == wallet, payment.sender == wallet
        yield NativeMove(
            payment.block_number, payment.value_wei * arrived, payment.value_wei * left
        )
        if arrived:
            paid_inside[payment.transaction_hash, payment.sender, payment.value_wei] += 1
    for wrap in wraps:
        if wrap.kind == "withdrawal":
            key = (wrap.transaction_hash, wrap.contract, wrap.amount)
            if paid_inside[key]:
                paid_inside[key] -= 1
            else:
                yield NativeMove(wrap.block_number, wrap.amount, 0)


def lists_all_since(
    block: int,
    history: History,
    native: NativeSearch | None,
    transactions: Mapping[str, Transaction],
    receipts: Mapping[str, Receipt],
) -> bool:
    """Tell whether every transaction after a block is listed, with what it cost."""
    if (
        native is None
        or native.complete_from > block + 1
        or not transactions.keys() <= set(receipts)
    ):
        return False
    places = transaction_places(history, native)
    return all(digest in transactions for digest, (number, _) in places.items() if number > block)
