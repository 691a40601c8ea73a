"""Transfers of one token as columns, so that a million of them are array arithmetic."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from common.chain.transfers import Erc20Transfer
from common.chain.types import ZERO_ADDRESS, Address
from token_worker.analysis.exact import BoolArray, IntArray, LimbArray, sum_by_group, to_limbs


@dataclass(frozen=True)
class TransferTable:
    """One row a transfer, in chain order whatever the order of the input.

    Attributes:
        transfers: The records themselves.
        addresses: Every sender and recipient, sorted: a position is an address's code, and the
            order of codes is the order of addresses.
        senders: Code of each row's sender.
        recipients: Code of each row's recipient.
        timestamps: Unix seconds of each row's block.
    """

    transfers: tuple[Erc20Transfer, ...]
    addresses: tuple[Address, ...]
    senders: IntArray
    recipients: IntArray
    timestamps: IntArray

    @classmethod
    def from_transfers(
        cls, transfers: Collection[Erc20Transfer], timestamps: Mapping[int, int]
    ) -> "TransferTable":
        """Return the table of `transfers`.

        Raises:
            KeyError: The time of a transfer's block is missing.
        """
        ordered = sorted(
            transfers, key=lambda transfer: (transfer.block_number, transfer.log_index)
        )
        seen = {transfer.sender for transfer in ordered}
        seen.update(transfer.recipient for transfer in ordered)
        addresses = tuple(sorted(seen))
        codes = {address: code for code, address in enumerate(addresses)}
        return cls(
            transfers=tuple(ordered),
            addresses=addresses,
            senders=np.array([codes[transfer.sender] for transfer in ordered], dtype=np.int64),
            recipients=np.array(
                [codes[transfer.recipient] for transfer in ordered], dtype=np.int64
            ),
            timestamps=np.array(
                [timestamps[transfer.block_number] for transfer in ordered], dtype=np.int64
            ),
        )

    @cached_property
    def amounts(self) -> list[int]:
        """Raw amount of each row."""
        return [transfer.amount for transfer in self.transfers]

    @cached_property
    def limbs(self) -> LimbArray:
        """Amounts for exact sums by group."""
        return to_limbs(self.amounts)

    @cached_property
    def codes(self) -> dict[Address, int]:
        """Code of each address."""
        return {address: code for code, address in enumerate(self.addresses)}

    def code(self, address: Address) -> int:
        """Return the code of an address, or -1, which no row has, when it is not in the table."""
        return self.codes.get(address, -1)

    @cached_property
    def is_mint(self) -> BoolArray:
        """Rows from the zero address, also when they go there (Uniswap's first liquidity)."""
        return np.equal(self.senders, self.code(ZERO_ADDRESS))

    @cached_property
    def is_burn(self) -> BoolArray:
        """Rows to the zero address from anybody else."""
        return np.equal(self.recipients, self.code(ZERO_ADDRESS)) & ~self.is_mint

    @cached_property
    def is_self(self) -> BoolArray:
        """Rows from an address to itself, mints aside."""
        return np.equal(self.senders, self.recipients) & ~self.is_mint

    def sum_by(self, groups: IntArray, group_count: int, rows: IntArray | None = None) -> list[int]:
        """Return the exact sum of the amounts of each group, see `sum_by_group`.

        Args:
            groups: Group of each row, or of each of `rows`.
            group_count: Number of groups.
            rows: The rows to sum; all by default.
        """
        limbs = self.limbs if rows is None else self.limbs[rows]
        return sum_by_group(limbs, groups, group_count)
