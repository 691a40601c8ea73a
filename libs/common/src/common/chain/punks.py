"""CryptoPunks: older than ERC-721, so their contract logs events of its own. No I/O.

Source: the contract CryptoPunksMarket; Dune's spellbook, nft trades of CryptoPunks.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from common.chain.transfers import TRANSFER, NftTransfer
from common.chain.types import ZERO_ADDRESS, Address, Call, Log

CHAIN_ID: Final = 1
COLLECTION: Final = Address("0xb47e3cd837ddf8e4c57f05d70ab865de6e193bbb")
ASSIGN = "0x8a0e37b73a0d9c82e205d4d1a3ff3d0b57ce5f4d7bccf6bac03336dc101cb7ba"
PUNK_TRANSFER = "0x05af636b70da6819000c49f85b21fa82081c632069bb626f30932034099107d8"
PUNK_BOUGHT = "0x58e5d5a525e3b40bc15abaa38b5882678db1ee68befd2f60bafe3a7fd06db9e3"
MOVED = (ASSIGN, PUNK_TRANSFER, PUNK_BOUGHT)

_WORDS = {ASSIGN: (2, 1), PUNK_TRANSFER: (3, 1), PUNK_BOUGHT: (4, 1)}
"""Topics, and words of data, of the events that move a punk."""
_PUNK_INDEX_TO_ADDRESS = "0x58178168"


class PunkMove(NamedTuple):
    """One punk that moved.

    Attributes:
        transfer: As of an ERC-721 collection: each punk is unique.
        price_wei: What it was bought for; None when it was not bought, and for an accepted bid.
        is_accepted_bid: A sale whose price is the bid's: the contract forgets it before it logs,
            so that price and buyer of the event are zero.
    """

    transfer: NftTransfer
    price_wei: int | None = None
    is_accepted_bid: bool = False


def owner_of_punk(punk: int) -> Call:
    """Return the call that asks who owns a punk."""
    return Call(COLLECTION, f"{_PUNK_INDEX_TO_ADDRESS}{punk:064x}")


def decode_punk_logs(logs: Iterable[Log]) -> tuple[list[PunkMove], int]:
    """Read the collection's logs among those of one transaction, in the order of the chain.

    Returns:
        The moves, and how many logs of their events have another layout.
    """
    moves: list[PunkMove] = []
    undecodable = 0
    unit_to: Address | None = None
    for log in logs:
        topic = log.topics[0] if log.address == COLLECTION and log.topics else ""
        if topic == TRANSFER and len(log.topics) == 3:
            unit_to = _address(log.topics[2])  # announces the receiver of the punk logged next
            continue
        if topic not in _WORDS:
            continue
        topics, words = _WORDS[topic]
        if len(log.topics) == topics and len(log.data) == 2 + 64 * words:
            moves.append(_move(log, unit_to))
        else:
            undecodable += 1
    return moves, undecodable


def _move(log: Log, unit_to: Address | None) -> PunkMove:
    topic, value = log.topics[0], int(log.data, 16)
    if topic == ASSIGN:
        return PunkMove(_transfer(log, value, ZERO_ADDRESS, _address(log.topics[1])))
    if topic == PUNK_TRANSFER:
        return PunkMove(_transfer(log, value, _address(log.topics[1]), _address(log.topics[2])))
    punk, seller, buyer = int(log.topics[1], 16), _address(log.topics[2]), _address(log.topics[3])
    names_nobody = buyer == ZERO_ADDRESS
    if names_nobody and unit_to is not None:
        buyer = unit_to
    is_bid = names_nobody and value == 0
    return PunkMove(_transfer(log, punk, seller, buyer), None if is_bid else value, is_bid)


def _transfer(log: Log, punk: int, sender: Address, recipient: Address) -> NftTransfer:
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


def _address(topic: str) -> Address:
    return Address("0x" + topic[-40:])
