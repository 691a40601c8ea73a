"""Small stories of a token: each test names only what it is about."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from common.chain.transfers import Erc20Transfer
from common.chain.types import ZERO_ADDRESS, Address, Block, TokenMetadata
from token_worker.analysis.table import TransferTable
from token_worker.models import TokenFlowReading

TOKEN = Address("0x7fa7677c6708f0cd07724d61bfdc6be6bb15d2e7")
NOON = 1_700_049_600  # a full hour and a full day minus twelve hours
NAMES = {"zero": ZERO_ADDRESS, "token": TOKEN, "dead": Address("0x" + "0" * 36 + "dead")}

Row = tuple[str, str, int] | tuple[str, str, int, int]
"""Sender, recipient, raw amount and (else a minute after the previous one) minutes after noon."""


def _address(name: str) -> Address:
    return NAMES.get(name) or Address("0x" + name.encode().hex().rjust(40, "1"))


def _transfers(rows: Sequence[Row]) -> list[Erc20Transfer]:
    made = []
    for position, (sender, recipient, amount, *_) in enumerate(rows):
        made.append(
            Erc20Transfer(
                contract=TOKEN,
                sender=_address(sender),
                recipient=_address(recipient),
                amount=amount,
                block_number=100 + position,
                transaction_hash="0x" + f"{position + 1:064x}",
                transaction_index=0,
                log_index=0,
            )
        )
    return made


def _timestamps(rows: Sequence[Row]) -> dict[int, int]:
    times: dict[int, int] = {}
    minute = 0
    for position, row in enumerate(rows):
        minute = row[3] if len(row) == 4 else minute + (position > 0)
        times[100 + position] = NOON + minute * 60
    return times


@pytest.fixture(scope="session")
def noon() -> int:
    """Unix seconds of minute 0 of every story."""
    return NOON


@pytest.fixture(scope="session")
def token() -> Address:
    return TOKEN


@pytest.fixture(scope="session")
def address() -> Callable[[str], Address]:
    """The address of a name; "zero", "dead" and "token" are those."""
    return _address


@pytest.fixture(scope="session")
def a_table() -> Callable[..., TransferTable]:
    """The table of rows: sender, recipient, amount and optionally minutes after noon."""

    def build(*rows: Row) -> TransferTable:
        return TransferTable.from_transfers(_transfers(rows), _timestamps(rows))

    return build


@pytest.fixture(scope="session")
def one_transaction() -> Callable[[TransferTable], TransferTable]:
    """The same transfers, all in the block and transaction of the first one."""

    def gather(table: TransferTable) -> TransferTable:
        first = table[0]
        rows = [table[row] for row in range(len(table))]
        transfers = [
            Erc20Transfer(
                contract=TOKEN,
                sender=row.sender,
                recipient=row.recipient,
                amount=row.amount,
                block_number=first.block_number,
                transaction_hash=first.transaction_hash,
                transaction_index=0,
                log_index=number,
            )
            for number, row in enumerate(rows)
        ]
        return TransferTable.from_transfers(
            transfers, {first.block_number: int(table.timestamps[0])}
        )

    return gather


@pytest.fixture(scope="session")
def a_reading() -> Callable[..., TokenFlowReading]:
    """What a run has read: rows as for `a_table`, balances as they follow from `opening` ones.

    With `select` it has read only these rows, in that order.
    """

    def build(
        *rows: Row,
        opening: Mapping[str, int] | None = None,
        minutes_after: int = 1,
        select: Sequence[int] | None = None,
        **given: Any,
    ) -> TokenFlowReading:
        transfers, timestamps = _transfers(rows), _timestamps(rows)
        balances: dict[Address, int | None] = {_address(name): 0 for name in NAMES}
        held = {_address(name): amount for name, amount in (opening or {}).items()}
        for transfer in transfers:
            held[transfer.sender] = held.get(transfer.sender, 0) - transfer.amount
            held[transfer.recipient] = held.get(transfer.recipient, 0) + transfer.amount
        balances.update({holder: max(0, amount) for holder, amount in held.items()})
        balances[ZERO_ADDRESS] = 0
        newest = max(timestamps.values(), default=NOON)
        fields: dict[str, Any] = {
            "chain_id": 1,
            "block": Block(
                number=100 + len(rows),
                hash="0x" + "b" * 64,
                timestamp=newest + minutes_after * 60,
                tag="finalized",
            ),
            "token": TokenMetadata(TOKEN, "Flow Token", "FLOW", 2, "ok"),
            "total_supply": sum(balance or 0 for balance in balances.values()),
            "from_block": 100,
            "truncated": False,
            "table": TransferTable.from_transfers(
                transfers if select is None else [transfers[row] for row in select], timestamps
            ),
            "unread_logs": 0,
            "window_start": NOON,
            "balances": balances,
            "contracts": {},
        }
        return TokenFlowReading(**{**fields, **given})

    return build
