"""CryptoPunks: older than ERC-721, with a market of its own in the collection's contract.

Source: the contract CryptoPunksMarket; Dune's spellbook, nft trades of CryptoPunks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from common.chain.transfers import TRANSFER, NftTransfer
from common.chain.types import ZERO_ADDRESS, Address, Log
from nft_worker.analysis.markets.fills import NATIVE, Fill, Item

COLLECTION: Final = Address("0xb47e3cd837ddf8e4c57f05d70ab865de6e193bbb")
ASSIGN = "0x8a0e37b73a0d9c82e205d4d1a3ff3d0b57ce5f4d7bccf6bac03336dc101cb7ba"
PUNK_TRANSFER = "0x05af636b70da6819000c49f85b21fa82081c632069bb626f30932034099107d8"
PUNK_BOUGHT = "0x58e5d5a525e3b40bc15abaa38b5882678db1ee68befd2f60bafe3a7fd06db9e3"
PUNK_BID_ENTERED = "0x5b859394fabae0c1ba88baffe67e751ab5248d2e879028b8c8d6897b0519f56a"
MOVED = (ASSIGN, PUNK_TRANSFER, PUNK_BOUGHT)
PUNK_INDEX_TO_ADDRESS = "0x58178168"

WORDS = {ASSIGN: (2, 1), PUNK_TRANSFER: (3, 1), PUNK_BOUGHT: (4, 1)}
"""Topics, and words of data, of the events that move a punk."""


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
    transfers: list[NftTransfer] = []
    fills: list[Fill] = []
    accepted: list[NftTransfer] = []
    undecodable = 0
    unit_to: Address | None = None
    for log in logs:
        topic = log.topics[0] if log.address == COLLECTION and log.topics else ""
        if topic == TRANSFER and len(log.topics) == 3:
            unit_to = _address(log.topics[2])  # announces the receiver of the punk logged next
            continue
        if topic not in WORDS:
            continue
        topics, words = WORDS[topic]
        if len(log.topics) != topics or len(log.data) != 2 + 64 * words:
            undecodable += 1
            continue
        move, price = _movement(log, unit_to)
        transfers.append(move)
        if topic == PUNK_BOUGHT and price == 0 and _address(log.topics[3]) == ZERO_ADDRESS:
            accepted.append(move)
        elif topic == PUNK_BOUGHT:
            fills.append(_fill(move, price))
    return PunkLogs(tuple(transfers), tuple(fills), tuple(accepted), undecodable)


def _movement(log: Log, unit_to: Address | None) -> tuple[NftTransfer, int]:
    value = int(log.data, 16)
    if log.topics[0] == PUNK_BOUGHT:
        punk, sender = int(log.topics[1], 16), _address(log.topics[2])
        recipient = _address(log.topics[3])
        if recipient == ZERO_ADDRESS and unit_to is not None:
            recipient = unit_to
        return _moved(log, punk, sender, recipient), value
    if log.topics[0] == PUNK_TRANSFER:
        return _moved(log, value, _address(log.topics[1]), _address(log.topics[2])), 0
    return _moved(log, value, ZERO_ADDRESS, _address(log.topics[1])), 0


def _moved(log: Log, punk: int, sender: Address, recipient: Address) -> NftTransfer:
    return NftTransfer(
        contract=log.address,
        standard="erc721",
        operator=None,
        sender=sender,
        recipient=recipient,
        token_id=punk,
        amount=1,
        block_number=log.block_number,
        transaction_hash=log.transaction_hash,
        transaction_index=log.transaction_index,
        log_index=log.log_index,
        batch_index=0,
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


def _address(topic: str) -> Address:
    return Address("0x" + topic[-40:])
