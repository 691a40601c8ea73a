"""Whether balances follow from Transfer events, as ERC-20 wants it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from common.chain.types import Address
from common.results.coin_flows import Compliance, PhonyTransfer
from token_worker.analysis.holders import excluded_addresses
from token_worker.analysis.ledger import Ledger
from token_worker.analysis.packed import unpack_one
from token_worker.analysis.table import TransferTable

if TYPE_CHECKING:
    from token_worker.models import TokenFlowReading

SAMPLE_SIZE = 60
MAX_FEE_SHARE = 4
"""A fee takes at most one in so many; a larger loss has another reason."""


@dataclass(frozen=True)
class Mismatch:
    """An address whose balance is not what its transfers make of it, raw."""

    address: Address
    before: int
    net: int
    received: int
    actual: int

    @property
    def unexplained(self) -> int:
        """What the balance has more than its transfers say."""
        return self.actual - self.before - self.net


@dataclass(frozen=True)
class ComplianceCheck:
    """What was found, and on how many addresses it rests.

    `phony` are the rows that left the balance of an address as it was, each with that address.
    """

    status: Compliance
    checked: int
    mismatches: list[Mismatch]
    phony: list[tuple[int, Address]] = field(default_factory=list)


def choose_sample(token: Address, table: TransferTable) -> list[Address]:
    """Return the addresses with the largest transfers, senders and recipients by turns."""
    rows = np.array(table.top_rows(4 * SAMPLE_SIZE), dtype=np.int64)
    left_out = excluded_addresses(token)
    codes = np.stack([table.senders[rows], table.recipients[rows]], axis=1).ravel().tolist()
    chosen = dict.fromkeys(unpack_one(table.packed[code]) for code in codes)
    return [address for address in chosen if address not in left_out][:SAMPLE_SIZE]


def check_compliance(reading: "TokenFlowReading", flows: Ledger) -> ComplianceCheck:
    """Return how balances before and after the window agree with the transfers in it.

    With r = actual - (before + in - out) of each sampled address: all r = 0 is a standard token.
    Of the others, phony events leave a balance as it was although transfers would have changed it;
    a fee makes recipients lack up to a quarter of what they received, and nobody have more; any
    other remainder is that of a token whose balances move by themselves.

    Unknown without a sample.
    """
    mismatches: list[Mismatch] = []
    for address, sampled in reading.sample.items():
        code = flows.code(address)
        net = flows.net(code) if code >= 0 else 0
        received = flows.received[code] if code >= 0 else 0
        if sampled.actual != sampled.before + net:
            mismatches.append(Mismatch(address, sampled.before, net, received, sampled.actual))
    if not reading.sample:
        return ComplianceCheck("unknown", 0, mismatches)
    phony = _find_phony(reading.table, mismatches)
    return ComplianceCheck(_status(mismatches), len(reading.sample), mismatches, phony)


def describe_phony(table: TransferTable, row: int, unmoved: Address) -> PhonyTransfer:
    """Return a transfer without a movement for a reader."""
    transfer = table[row]
    return PhonyTransfer(
        transaction_hash=transfer.transaction_hash,
        log_index=transfer.log_index,
        block_number=transfer.block_number,
        sender=transfer.sender,
        recipient=transfer.recipient,
        amount_raw=str(transfer.amount),
        unmoved=unmoved,
    )


def _find_phony(table: TransferTable, mismatches: list[Mismatch]) -> list[tuple[int, Address]]:
    """The transfers of addresses that have what they had before, newest first."""
    unmoved = {
        code: each.address
        for each in mismatches
        if each.actual == each.before and (code := table.code(each.address)) >= 0
    }
    codes = list(unmoved)
    touched = np.isin(table.senders, codes) | np.isin(table.recipients, codes)
    moving = touched & (table.senders != table.recipients) & table.limbs.any(axis=1)
    return [
        (row, unmoved.get(int(table.recipients[row])) or unmoved[int(table.senders[row])])
        for row in np.flatnonzero(moving).tolist()[::-1]
    ]


def _status(mismatches: list[Mismatch]) -> Compliance:
    if not mismatches:
        return "standard"
    if all(each.actual == each.before for each in mismatches):
        return "phony_events"
    if all(0 < -each.unexplained * MAX_FEE_SHARE <= each.received for each in mismatches):
        return "fee_on_transfer"
    return "rebasing"
