"""The market of CryptoPunks, which is in the collection's contract.

Source: the contract CryptoPunksMarket; Dune's spellbook, nft trades of CryptoPunks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from common.chain.punks import decode_punk_logs
from common.chain.transfers import NftTransfer
from common.chain.types import Log
from nft_worker.analysis.markets.fills import NATIVE, Fill, Item

PUNK_BID_ENTERED = "0x5b859394fabae0c1ba88baffe67e751ab5248d2e879028b8c8d6897b0519f56a"


@dataclass(frozen=True, slots=True)
class PunkLogs:
    """What the collection's logs of one transaction say.

    Attributes:
        transfers: As of an ERC-721 collection: each punk is unique.
        fills: Purchases, with the price.
        accepted_bids: Sales whose price is the bid's: the contract forgets it before it logs, so
            that price and buyer of the event are zero.
    """

    transfers: tuple[NftTransfer, ...]
    fills: tuple[Fill, ...]
    accepted_bids: tuple[NftTransfer, ...]
    undecodable: int


def decode_punks(logs: Iterable[Log]) -> PunkLogs:
    """Read the collection's logs of one transaction, in the order of the chain."""
    moves, undecodable = decode_punk_logs(logs)
    return PunkLogs(
        transfers=tuple(move.transfer for move in moves),
        fills=tuple(
            _fill(move.transfer, move.price_wei) for move in moves if move.price_wei is not None
        ),
        accepted_bids=tuple(move.transfer for move in moves if move.is_accepted_bid),
        undecodable=undecodable,
    )


def fills_of_bids(accepted: Iterable[NftTransfer], bids: Sequence[Log]) -> Mapping[str, list[Fill]]:
    """Return the sales of accepted bids, by transaction.

    The price is that of the newest bid for the punk before its sale; a sale without one is left
    out, for its price is not known.

    Args:
        accepted: What `decode_punks` found.
        bids: `PunkBidEntered(punk, value, bidder)` of these punks, in the order of the chain.
    """
    found: dict[str, list[Fill]] = {}
    for move in accepted:
        place = (move.block_number, move.log_index)
        values = [
            int(bid.data, 16)
            for bid in bids
            if len(bid.topics) == 3
            and len(bid.data) == 66
            and int(bid.topics[1], 16) == move.token_id
            and (bid.block_number, bid.log_index) < place
        ]
        if values:
            found.setdefault(move.transaction_hash, []).append(_fill(move, values[-1]))
    return found


def _fill(move: NftTransfer, price: int) -> Fill:
    item = Item(move.contract, move.token_id)
    return Fill("cryptopunks", move.log_index, (item,), NATIVE, price)
