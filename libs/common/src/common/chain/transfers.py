"""Token transfers decoded from logs: a log becomes typed records by slicing. No I/O."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec

from common.chain.texts import ReadOnce
from common.chain.types import Address, Log
from common.garbage import paused_collection

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TRANSFER_SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
TRANSFER_BATCH = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"
CONSECUTIVE_TRANSFER = "0xdeaa91b6123d068f5821d0fb0678463d1a8a6079fe8af5de3ce5e896dcf9133d"
WETH_DEPOSIT = "0xe1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c"
WETH_WITHDRAWAL = "0x7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65"

CONSECUTIVE_CAP = 5_000
"""ERC-2309 announces a whole range of tokens in one log; longer ranges are not unrolled."""


class Erc20Transfer(msgspec.Struct, frozen=True, gc=False):
    """A fungible transfer; `amount` in the token's smallest unit. A struct, as `Log` is."""

    contract: Address
    sender: Address
    recipient: Address
    amount: int
    block_number: int
    transaction_hash: str
    transaction_index: int
    log_index: int


class NftTransfer(NamedTuple):
    """One token id that moved. A tuple, since jobs hold hundreds of thousands.

    Attributes:
        operator: Who moved it (ERC-1155 only).
        amount: Always 1 for ERC-721.
        batch_index: Position in a log that moves several ids; otherwise 0.
    """

    contract: Address
    standard: Literal["erc721", "erc1155"]
    operator: Address | None
    sender: Address
    recipient: Address
    token_id: int
    amount: int
    block_number: int
    transaction_hash: str
    transaction_index: int
    log_index: int
    batch_index: int


@dataclass(frozen=True, slots=True)
class WrapEvent:
    """Native coin wrapped ("deposit") or unwrapped ("withdrawal") by `account`, in wei."""

    contract: Address
    kind: Literal["deposit", "withdrawal"]
    account: Address
    amount: int
    block_number: int
    transaction_hash: str
    transaction_index: int
    log_index: int


@dataclass(frozen=True, slots=True)
class DecodedLogs:
    """Transfers in the order of their logs.

    Attributes:
        undecodable: Logs of these events whose layout or data is malformed.
    """

    erc20: tuple[Erc20Transfer, ...]
    nft: tuple[NftTransfer, ...]
    wraps: tuple[WrapEvent, ...]
    undecodable: int


def decode_transfers(logs: Iterable[Log]) -> DecodedLogs:
    """Decodes every transfer; what cannot be read is counted, never fatal.

    The number of topics tells the standard of a `Transfer`: 3 is ERC-20, 4 is ERC-721. Older
    layouts without indexed arguments do not say what they moved, so they count as undecodable.
    Logs of other events are passed over.
    """
    with paused_collection():
        return _decode(logs)


def _decode(logs: Iterable[Log]) -> DecodedLogs:
    erc20: list[Erc20Transfer] = []
    nft: list[NftTransfer] = []
    wraps: list[WrapEvent] = []
    undecodable = 0
    accounts = ReadOnce(_topic_address)
    for log in logs:
        topics = log.topics
        topic = topics[0] if topics else ""
        if topic == TRANSFER and len(topics) == 3:
            # Most logs are of this kind: made here, without a call for each.
            sender, recipient, data = accounts[topics[1]], accounts[topics[2]], log.data
            if sender is None or recipient is None or len(data) != _ONE_WORD:
                undecodable += 1
                continue
            erc20.append(
                Erc20Transfer(
                    log.address,
                    sender,
                    recipient,
                    int(data, 16),
                    log.block_number,
                    log.transaction_hash,
                    log.transaction_index,
                    log.log_index,
                )
            )
        elif topic in _NFT_DECODERS:
            moved = _NFT_DECODERS[topic](log)
            if moved is None:
                undecodable += 1
            else:
                nft.extend(moved)
        elif topic in _WRAP_KINDS:
            wrap = _wrap_event(log, _WRAP_KINDS[topic])
            if wrap is None:
                undecodable += 1
            else:
                wraps.append(wrap)
    return DecodedLogs(tuple(erc20), tuple(nft), tuple(wraps), undecodable)


def address_topic(address: Address) -> str:
    """An address as an indexed topic: padded to 32 bytes, for a `LogFilter`."""
    return _ADDRESS_PADDING + address[2:]


_ADDRESS_PADDING = "0x" + "0" * 24
_WORD = 64  # hex digits of 32 bytes
_ONE_WORD = 2 + _WORD  # length of a topic, or of data that holds one value


def _erc721_transfer(log: Log) -> list[NftTransfer] | None:
    if len(log.topics) != 4 or log.data != "0x":
        return None
    sender, recipient = _topic_address(log.topics[1]), _topic_address(log.topics[2])
    if sender is None or recipient is None:
        return None
    return _moved(log, "erc721", None, sender, recipient, [(int(log.topics[3], 16), 1)])


def _consecutive_transfer(log: Log) -> list[NftTransfer] | None:
    if len(log.topics) != 4 or len(log.data) != _ONE_WORD:
        return None
    sender, recipient = _topic_address(log.topics[2]), _topic_address(log.topics[3])
    first, last = int(log.topics[1], 16), int(log.data, 16)
    if sender is None or recipient is None or not 0 <= last - first < CONSECUTIVE_CAP:
        return None
    ids = [(token_id, 1) for token_id in range(first, last + 1)]
    return _moved(log, "erc721", None, sender, recipient, ids)


def _erc1155_transfer(log: Log) -> list[NftTransfer] | None:
    if len(log.topics) != 4:
        return None
    operator, sender, recipient = map(_topic_address, log.topics[1:])
    if operator is None or sender is None or recipient is None:
        return None
    if log.topics[0] == TRANSFER_BATCH:
        ids, amounts = _uint_array(log.data, 0), _uint_array(log.data, 1)
        if ids is None or amounts is None or len(ids) != len(amounts):
            return None
        return _moved(log, "erc1155", operator, sender, recipient, zip(ids, amounts, strict=True))
    if len(log.data) != 2 + 2 * _WORD:
        return None
    single = [(_word(log.data, 0), _word(log.data, 1))]
    return _moved(log, "erc1155", operator, sender, recipient, single)


def _moved(
    log: Log,
    standard: Literal["erc721", "erc1155"],
    operator: Address | None,
    sender: Address,
    recipient: Address,
    ids_and_amounts: Iterable[tuple[int, int]],
) -> list[NftTransfer]:
    return [
        NftTransfer(
            log.address,
            standard,
            operator,
            sender,
            recipient,
            token_id,
            amount,
            log.block_number,
            log.transaction_hash,
            log.transaction_index,
            log.log_index,
            batch_index,
        )
        for batch_index, (token_id, amount) in enumerate(ids_and_amounts)
    ]


def _wrap_event(log: Log, kind: Literal["deposit", "withdrawal"]) -> WrapEvent | None:
    if len(log.topics) != 2 or len(log.data) != _ONE_WORD:
        return None
    account = _topic_address(log.topics[1])
    if account is None:
        return None
    return WrapEvent(
        log.address,
        kind,
        account,
        int(log.data, 16),
        log.block_number,
        log.transaction_hash,
        log.transaction_index,
        log.log_index,
    )


def _topic_address(topic: str) -> Address | None:
    """The address in a topic; None when the bytes above it are not zero."""
    return Address("0x" + topic[26:]) if topic[:26] == _ADDRESS_PADDING else None


def _word(data: str, index: int) -> int:
    start = 2 + index * _WORD
    return int(data[start : start + _WORD], 16)


def _uint_array(data: str, argument: int) -> list[int] | None:
    """The uint256[] that argument `argument` points to; None when it leaves the data."""
    words, rest = divmod(len(data) - 2, _WORD)
    if rest or words < argument + 1:
        return None
    index, misaligned = divmod(_word(data, argument), 32)
    if misaligned or index >= words:
        return None
    length = _word(data, index)
    if length > words - index - 1:
        return None
    return [_word(data, index + 1 + item) for item in range(length)]


_NFT_DECODERS: dict[str, Callable[[Log], list[NftTransfer] | None]] = {
    TRANSFER: _erc721_transfer,
    TRANSFER_SINGLE: _erc1155_transfer,
    TRANSFER_BATCH: _erc1155_transfer,
    CONSECUTIVE_TRANSFER: _consecutive_transfer,
}
_WRAP_KINDS: dict[str, Literal["deposit", "withdrawal"]] = {
    WETH_DEPOSIT: "deposit",
    WETH_WITHDRAWAL: "withdrawal",
}
