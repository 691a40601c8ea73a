"""Transfers in order, what kind each is, and contracts that only passed tokens on removed."""

from collections.abc import Collection, Sequence

from common.chain.transfers import NftTransfer
from common.chain.types import DEAD_ADDRESS, ZERO_ADDRESS, Address
from common.results.nft_movements import MovementKind
from nft_worker.models import Position, position

NOBODY = frozenset({ZERO_ADDRESS, DEAD_ADDRESS})
"""Addresses nobody can act from: tokens that arrive there are out of circulation."""


def is_trade_candidate(transfer: NftTransfer) -> bool:
    """Tell whether a transfer may be a sale: it is neither a mint nor a burn."""
    return transfer.sender != ZERO_ADDRESS and transfer.recipient not in NOBODY


def movement_kind(transfer: NftTransfer, sold: Collection[Position]) -> MovementKind:
    """Return what a transfer is.

    Args:
        transfer: The transfer.
        sold: Positions of the transfers that delivered a sale.
    """
    if transfer.sender == ZERO_ADDRESS:
        return "mint"
    if transfer.recipient in NOBODY:
        return "burn"
    if position(transfer) in sold:
        return "sale"
    return "self" if transfer.sender == transfer.recipient else "transfer"


def skip_conduits(
    transfers: Sequence[NftTransfer], contracts: Collection[Address]
) -> list[NftTransfer]:
    """Join seller -> contract -> buyer within one transaction to seller -> buyer.

    Aggregators and escrows hold a token for a moment; the parties are at the ends. The joined
    transfer has the position of the last one, so that it is the delivery to the buyer.

    Args:
        transfers: In the order of the chain.
        contracts: Accounts with code.
    """
    kept: dict[Position, NftTransfer] = {}
    arrived: dict[tuple[str, Address, int, int], Position] = {}
    for transfer in transfers:
        came = None
        if transfer.sender in contracts:
            came = arrived.pop(_parcel(transfer, transfer.sender), None)
        joined = transfer if came is None else transfer._replace(sender=kept.pop(came).sender)
        kept[position(transfer)] = joined
        if transfer.recipient in contracts and transfer.sender != transfer.recipient:
            arrived[_parcel(transfer, transfer.recipient)] = position(transfer)
    return list(kept.values())


def _parcel(transfer: NftTransfer, at: Address) -> tuple[str, Address, int, int]:
    return (transfer.transaction_hash, at, transfer.token_id, transfer.amount)
