"""Token transfers decoded from logs: a log becomes typed records by slicing. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from common.chain.types import Address, Log

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TRANSFER_SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
TRANSFER_BATCH = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"
CONSECUTIVE_TRANSFER = "0xdeaa91b6123d068f5821d0fb0678463d1a8a6079fe8af5de3ce5e896dcf9133d"
WETH_DEPOSIT = "0xe1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c"
WETH_WITHDRAWAL = "0x7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65"

CONSECUTIVE_CAP = 5_000
"""ERC-2309 announces a whole range of tokens in one log; longer ranges are not unrolled."""


@dataclass(frozen=True, slots=True)
class Erc20Transfer:
    """A fungible transfer; `amount` in the token's smallest unit."""

    contract: Address
    sender: Address
    recipient: Address
    amount: int
    block_number: int
    transaction_hash: str
    transaction_index: int
    log_index: int


@dataclass(frozen=True, slots=True)
class NftTransfer:
    """One token id that moved.

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
        undecodable: Logs with a topic of this module whose layout or data is malformed.
    """

    erc20: tuple[Erc20Transfer, ...]
    nft: tuple[NftTransfer, ...]
    wraps: tuple[WrapEvent, ...]
    undecodable: int


def decode_transfers(logs: Iterable[Log]) -> DecodedLogs:
    """Decodes every transfer; what cannot be read is counted, never fatal.

    The number of topics tells the standard of a `Transfer`: 3 is ERC-20, 4 is ERC-721.
    Logs of other events are counted as undecodable too.
    """
    raise NotImplementedError


def address_topic(address: Address) -> str:
    """An address as an indexed topic: padded to 32 bytes, for a `LogFilter`."""
    return "0x" + "0" * 24 + address[2:]
