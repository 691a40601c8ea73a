"""Wrapping the native coin: events of their own instead of, or beside, Transfers."""

from collections.abc import Iterable

from common.chain.transfers import (
    TRANSFER,
    WETH_DEPOSIT,
    WETH_WITHDRAWAL,
    DecodedLogs,
    Erc20Transfer,
    WrapEvent,
)
from common.chain.types import ZERO_ADDRESS, Address, LogFilter

_SELECTORS = ("d0e30db0", "2e1a7d4d")
"""deposit() and withdraw(uint256): code with both wraps the native coin, as WETH9 does."""


def wraps_native_coin(code: str) -> bool:
    """Tell whether a contract with this code wraps the native coin."""
    return all(selector in code for selector in _SELECTORS)


def movements_filter(token: Address, wraps_native: bool) -> LogFilter:
    """Return the filter of the events by which a token moves."""
    topics = (TRANSFER, WETH_DEPOSIT, WETH_WITHDRAWAL) if wraps_native else TRANSFER
    return LogFilter((token,), (topics,))


def with_wraps(decoded: DecodedLogs) -> tuple[Erc20Transfer, ...]:
    """Return the transfers, with deposits as mints and withdrawals as burns.

    A wrapper that also emits a Transfer from or to the zero address has told of it already: such
    an event of the same transaction and account leaves its wraps out.
    """
    told = {
        (transfer.transaction_hash, transfer.sender, transfer.recipient)
        for transfer in decoded.erc20
        if ZERO_ADDRESS in (transfer.sender, transfer.recipient)
    }
    return (*decoded.erc20, *_untold(decoded.wraps, told))


def _untold(
    wraps: Iterable[WrapEvent], told: set[tuple[str, Address, Address]]
) -> Iterable[Erc20Transfer]:
    for wrap in wraps:
        ends = (wrap.account, ZERO_ADDRESS)
        sender, recipient = ends[::-1] if wrap.kind == "deposit" else ends
        if (wrap.transaction_hash, sender, recipient) not in told:
            yield Erc20Transfer(
                wrap.contract,
                sender,
                recipient,
                wrap.amount,
                wrap.block_number,
                wrap.transaction_hash,
                wrap.transaction_index,
                wrap.log_index,
            )
