"""Why a chain read failed, and whether another attempt can help."""

# ruff: noqa: N818 - the names say what happened, as in "RateLimited: retry in 5 s"

from typing import ClassVar

from common.errors import JobError


class ChainError(JobError):
    """A chain could not be read. `retryable` says whether a later attempt may succeed."""

    retry_helps: ClassVar[bool] = False

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=self.retry_helps)

    def reword(self, message: str) -> None:
        """Replaces the message."""
        self.args = (message,)

    def locate(self, method: str, endpoint: str) -> None:
        """Adds which call to which endpoint failed."""
        self.reword(f"{method}: {self} [{endpoint}]")


class UnknownChain(ChainError):
    """No endpoint is configured for the chain id."""


class BlockNotFinal(ChainError):
    """The block asked for is above the newest final one."""

    retry_helps = True


class EndpointUnavailable(ChainError):
    """Connection refused or lost, HTTP 5xx, an internal error of the node."""

    retry_helps = True


class RequestTimedOut(EndpointUnavailable):
    """No answer in time.

    Attributes:
        waited_seconds: How long we waited; 0 when it was the node that gave up.
    """

    def __init__(self, message: str, *, waited_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.waited_seconds = waited_seconds


class RateLimited(ChainError):
    """Too many requests."""

    retry_helps = True

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class LimitExceeded(RateLimited):
    """A limit that the endpoint does not name: of requests, or of blocks and logs in one."""


class QuotaExhausted(ChainError):
    """The account's allowance is used up."""


class Unauthorized(ChainError):
    """The endpoint refuses our credentials."""


class WrongChain(ChainError):
    """The endpoint serves another chain than configured."""


class RangeTooLarge(ChainError):
    """eth_getLogs over too many blocks.

    Attributes:
        suggested: First and last block that the endpoint would accept, where it says so.
        max_blocks: Number of blocks that it would accept, where it says so.
    """

    def __init__(
        self,
        message: str,
        *,
        suggested: tuple[int, int] | None = None,
        max_blocks: int | None = None,
    ) -> None:
        super().__init__(message)
        self.suggested = suggested
        self.max_blocks = max_blocks


class ResultTooLarge(ChainError):
    """Too many logs or bytes in the answer; `suggested` as in RangeTooLarge."""

    def __init__(self, message: str, *, suggested: tuple[int, int] | None = None) -> None:
        super().__init__(message)
        self.suggested = suggested


class FilterTooLarge(ChainError):
    """Too many addresses or topics in one filter."""


class BatchTooLarge(ChainError):
    """Too many calls in one JSON-RPC batch."""


class AddressRequired(ChainError):
    """The endpoint serves no log filter without an address."""


class MissingState(ChainError):
    """The node does not have the state of that block: an archive node is needed."""

    retry_helps = True


class PrunedHistory(ChainError):
    """The node has dropped old blocks and logs."""


class UnsupportedMethod(ChainError):
    """The endpoint does not offer the method."""


class UnsupportedTag(ChainError):
    """The endpoint does not know a block tag such as `finalized`."""


class CallReverted(ChainError):
    """The contract refused the call, or ran out of gas."""


class InvalidRequest(ChainError):
    """The node says that the request makes no sense."""


class InvalidAnswer(ChainError):
    """The endpoint answered something that cannot be right."""

    retry_helps = True


class ReorgDetected(ChainError):
    """The pinned block is no longer part of the chain."""

    retry_helps = True


class TransactionNotFound(InvalidAnswer):
    """No endpoint knows these transactions, which are mined: old ones may not be indexed.

    Attributes:
        hashes: All that were asked for and not found.
    """

    def __init__(self, message: str, hashes: frozenset[str]) -> None:
        super().__init__(message)
        self.hashes = hashes
