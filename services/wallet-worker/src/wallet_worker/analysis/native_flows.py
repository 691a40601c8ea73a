"""The native coin that listed transactions moved to and from the wallet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.chain.transfers import WrapEvent
from common.chain.types import Address, Receipt, Transaction


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


def native_flows(
    wallet: Address,
    after_block: int,
    transactions: Iterable[Transaction],
    receipts: Mapping[str, Receipt],
    wraps: Iterable[WrapEvent],
    *,
    is_complete: bool,
) -> NativeFlows:
    """Return what moved after a block; transactions without effect cost their fee only.

    An unwrap pays the coin inside its transaction, where no value shows it; a wrap is the value
    of its transaction when the wallet called the wrapper itself.
    """
    arrived = left = 0
    for transaction in transactions:
        if transaction.block_number <= after_block:
            continue
        receipt = receipts.get(transaction.hash)
        took_effect = receipt is None or receipt.is_success is not False
        if transaction.recipient == wallet and took_effect:
            arrived += transaction.value_wei
        if transaction.sender == wallet:
            left += transaction.value_wei if took_effect else 0
            left += (receipt.fee_wei or 0) if receipt else 0
    arrived += sum(
        wrap.amount
        for wrap in wraps
        if wrap.kind == "withdrawal" and wrap.block_number > after_block
    )
    return NativeFlows(arrived, left, is_complete)
