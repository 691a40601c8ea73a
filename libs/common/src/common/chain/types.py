"""Plain records of chain data, shared by readers and by the pure analyses. No I/O."""

from dataclasses import dataclass, field
from typing import Literal, NewType

import msgspec

Address = NewType("Address", str)
"""An account: `0x` and 40 lower-case hex digits."""

ZERO_ADDRESS = Address("0x" + "0" * 40)
DEAD_ADDRESS = Address("0x000000000000000000000000000000000000dead")

TokenStandard = Literal["erc20", "erc721", "erc1155", "cryptopunks"]
MetadataStatus = Literal["ok", "bytes32", "missing", "invalid"]
TopicFilter = str | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Block:
    """The block that a run is pinned to.

    Attributes:
        number: Height.
        hash: `0x` and 64 lower-case hex digits.
        timestamp: Unix seconds.
        tag: How it was chosen: "finalized", "latest-30" (by confirmations) or "number".
        event_transactions: The last few transactions of a block with events; empty for a block
            without, and where the header did not say.
    """

    number: int
    hash: str
    timestamp: int
    tag: str
    event_transactions: tuple[str, ...] = field(default=(), compare=False, repr=False)


class Log(msgspec.Struct, frozen=True, gc=False):
    """One event as the chain recorded it; all hex is lower case with `0x`.

    A struct, because runs hold hundreds of thousands: it is made several times faster than a frozen
    dataclass, and the garbage collector need not walk it.
    """

    address: Address
    topics: tuple[str, ...]
    data: str
    block_number: int
    block_hash: str
    transaction_hash: str
    transaction_index: int
    log_index: int


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which logs are wanted.

    Attributes:
        addresses: Emitting contracts; empty means any.
        topics: One entry a position: a topic, a choice of topics, or None for any.
    """

    addresses: tuple[Address, ...] = ()
    topics: tuple[TopicFilter, ...] = ()


@dataclass(frozen=True, slots=True)
class NewestLogs:
    """The newest logs of a filter, whole blocks only.

    Attributes:
        logs: Ascending by (block, log index).
        from_block: The window `from_block..pinned block` holds exactly these logs.
        truncated: Older logs of the filter exist below `from_block`.
    """

    logs: tuple[Log, ...]
    from_block: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A read-only contract call; `data` is the selector and arguments as hex with `0x`."""

    to: Address
    data: str


@dataclass(frozen=True, slots=True)
class CallResult:
    """What a call answered.

    Attributes:
        success: False when the call reverted.
        data: Returned bytes as hex with `0x`. An address without code answers `0x` with success:
            decoders of typed answers take that for no answer.
    """

    success: bool
    data: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """A mined transaction.

    Attributes:
        recipient: None when the transaction created a contract.
        input: Call data as hex with `0x`.
    """

    hash: str
    block_number: int
    transaction_index: int
    sender: Address
    recipient: Address | None
    value_wei: int
    nonce: int
    input: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a mined transaction did, and what it cost.

    Attributes:
        is_success: False when it was reverted; None before the Byzantium fork, whose receipts do
            not say.
        gas_used: Gas that this transaction alone used.
        effective_gas_price_wei: What each unit of gas cost; None where an old node does not say
            (it is the transaction's own gas price then).
        l1_fee_wei: What a rollup charged beside the gas for publishing on its parent chain; 0
            elsewhere.
        created_contract: The contract that the transaction created, if it did.
        logs: Its events in their order; empty when it was reverted.
    """

    transaction_hash: str
    block_number: int
    block_hash: str
    transaction_index: int
    is_success: bool | None
    gas_used: int
    effective_gas_price_wei: int | None
    l1_fee_wei: int
    created_contract: Address | None
    logs: tuple[Log, ...]

    @property
    def fee_wei(self) -> int | None:
        """All that the sender paid for the execution; None without a gas price."""
        if self.effective_gas_price_wei is None:
            return None
        return self.gas_used * self.effective_gas_price_wei + self.l1_fee_wei


@dataclass(frozen=True, slots=True)
class TokenMetadata:
    """What a token contract says about itself.

    Attributes:
        name: At most 255 bytes without NULs; None when not answered.
        symbol: As `name`.
        decimals: 0 to 78; None when not answered or larger.
        status: The worst of the three answers: "invalid" (nonsense), "missing" (no answer; usual
            for the decimals of an NFT collection), "bytes32" (old fixed-size text), "ok".
    """

    address: Address
    name: str | None
    symbol: str | None
    decimals: int | None
    status: MetadataStatus


@dataclass(slots=True)
class RpcStats:
    """What one run has asked of its endpoints.

    Attributes:
        calls: JSON-RPC calls sent, each entry of a batch counted, repeats included.
        requests: HTTP requests sent.
        bytes: Bytes of answers received.
        retries: Requests repeated after an error or an invalid answer.
        failovers: Requests that moved on to another endpoint.
        by_method: `calls` by JSON-RPC method.
        requests_by_method: `requests` likewise: a batch holds calls of one method.
        logs_fetched: Logs received by eth_getLogs.
        range_splits: Log requests that had to be cut in two: too many blocks, logs or topics.
    """

    calls: int = 0
    requests: int = 0
    bytes: int = 0
    retries: int = 0
    failovers: int = 0
    by_method: dict[str, int] = field(default_factory=dict)
    requests_by_method: dict[str, int] = field(default_factory=dict)
    logs_fetched: int = 0
    range_splits: int = 0

    def count(self, method: str, calls: int = 1) -> None:
        """Counts one request that carries `calls` calls of `method`."""
        self.requests += 1
        self.calls += calls
        self.by_method[method] = self.by_method.get(method, 0) + calls
        self.requests_by_method[method] = self.requests_by_method.get(method, 0) + 1
