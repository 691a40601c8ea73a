"""Transactions with many transfers that serve to leave traces in the histories of others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from token_worker.analysis.exact import IntArray
from token_worker.analysis.patterns import Bait
from token_worker.analysis.table import EVIDENCE_CAP, TransferTable


@dataclass(frozen=True)
class PoisonedTransaction:
    """Such transfers of one transaction: the first rows of them, and how many there are."""

    rows: tuple[int, ...]
    transfers: int


def find_zero_value_groups(
    table: TransferTable, least: int, first: int = 0
) -> list[PoisonedTransaction]:
    """Return each transaction with at least `least` transfers of zero, the newest first.

    Nobody needs to consent to a transferFrom of 0, so such transactions only serve to leave
    traces. Source: Forta's address-poisoning agent.
    """
    rows = np.flatnonzero(~table.limbs[first:].any(axis=1)) + first
    return _transactions_of(table, rows, least)


def find_fake_groups(table: TransferTable, least: int, first: int = 0) -> list[PoisonedTransaction]:
    """Return each transaction with at least `least` transfers of a counterfeit, the newest first.

    Its transfers repeat what somebody did with the real token, with a look-alike for the
    counterparty. Source: Forta's address-poisoning agent.
    """
    return _transactions_of(table, np.arange(first, len(table)), least)


def find_dust_groups(
    table: TransferTable, bait: Sequence[Bait], least: int
) -> list[PoisonedTransaction]:
    """Return each transaction with at least `least` bait transfers of more than zero.

    Source: "Blockchain Address Poisoning", arXiv 2501.16681: tiny transfers by look-alikes.
    """
    rows = np.unique(np.array([each.row for each in bait], dtype=np.int64))
    return _transactions_of(table, rows[table.limbs[rows].any(axis=1)], least)


def _transactions_of(table: TransferTable, rows: IntArray, least: int) -> list[PoisonedTransaction]:
    """The transactions that at least `least` of some ascending rows belong to, newest first."""
    numbers = table.transactions[rows]
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    sizes = np.diff(starts, append=rows.size)
    return [
        PoisonedTransaction(tuple(rows[start : start + min(size, EVIDENCE_CAP)].tolist()), size)
        for start, size in zip(starts.tolist()[::-1], sizes.tolist()[::-1], strict=True)
        if size >= least
    ]
