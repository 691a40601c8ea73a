"""The way into a chain: `Chains` by id, and a `PinnedChain` for one run, fixed to one block."""

from collections.abc import Collection, Mapping, Sequence

from pydantic import SecretStr

from common.chain.types import (
    Address,
    Block,
    Call,
    CallResult,
    Log,
    LogFilter,
    NewestLogs,
    RpcStats,
    Transaction,
)


class Chains:
    """All configured chains; one per process, closed at shutdown."""

    def __init__(
        self, rpc_urls: Mapping[int, Sequence[SecretStr | str]], default_chain_id: int
    ) -> None:
        raise NotImplementedError

    async def get(self, chain_id: int | None = None) -> "Chain":
        """The chain with that id, or the default one.

        Raises:
            UnknownChain: No endpoint is configured for it.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Closes all connections."""
        raise NotImplementedError


class Chain:
    """Endpoints of one chain and what was learnt about them; shared by concurrent runs."""

    chain_id: int

    async def pin(self, at_block: int | None = None) -> "PinnedChain":
        """Fixes a run to one block.

        That is the `finalized` one, or one that many confirmations below the head where the node
        refuses the tag, or `at_block` if it is not above that.

        Raises:
            BlockNotFinal: `at_block` is above the newest block that counts as final.
            ChainError: The chain could not be read.
        """
        raise NotImplementedError


class PinnedChain:
    """Reads of one run, all at `block`.

    Every method raises ChainError when the chain cannot be read: missing data is never zero and
    never a shorter list.
    """

    block: Block
    chain_id: int
    stats: RpcStats

    async def fetch_logs(
        self, wanted: LogFilter, from_block: int = 0, to_block: int | None = None
    ) -> list[Log]:
        """All logs of the filter in a range of blocks, ascending by (block, log index), each once.

        Args:
            wanted: The filter.
            from_block: First block.
            to_block: Last block, included; the pinned block by default and at most.

        Raises:
            AddressRequired: No endpoint serves a filter without an address.
        """
        raise NotImplementedError

    async def fetch_newest_logs(self, wanted: LogFilter, limit: int) -> NewestLogs:
        """The newest whole blocks that hold at least `limit` logs, or all logs there are."""
        raise NotImplementedError

    async def call_many(self, calls: Sequence[Call]) -> list[CallResult]:
        """Answers of all calls in their order; a call that reverts is a result, not an error."""
        raise NotImplementedError

    async def fetch_balance(self, address: Address) -> int:
        """Native balance in wei."""
        raise NotImplementedError

    async def fetch_nonce(self, address: Address) -> int:
        """Number of transactions sent (for a contract: contracts created)."""
        raise NotImplementedError

    async def fetch_code(self, address: Address) -> str:
        """Code as hex; `0x` for a plain account."""
        raise NotImplementedError

    async def fetch_timestamps(self, block_numbers: Collection[int]) -> dict[int, int]:
        """Unix seconds of each block."""
        raise NotImplementedError

    async def fetch_transactions(self, hashes: Collection[str]) -> dict[str, Transaction]:
        """Mined transactions by hash; every hash is in the answer."""
        raise NotImplementedError

    async def fetch_transaction_logs(self, hashes: Collection[str]) -> dict[str, tuple[Log, ...]]:
        """All logs of each transaction, from its receipt; every hash is in the answer."""
        raise NotImplementedError

    async def confirm(self) -> None:
        """Checks that the pinned block is still part of the chain; call it after the last read.

        Raises:
            ReorgDetected: Another block has taken its place: nothing read is worth keeping.
        """
        raise NotImplementedError
