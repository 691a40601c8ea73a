"""Transfers that are not what they seem: batches to many, and bait for careless copying."""

from dataclasses import dataclass

import numpy as np

from common.results.coin_flows import BatchDistribution, PoisonedTransfer
from token_worker.analysis.exact import BoolArray, IntArray
from token_worker.analysis.table import TransferTable

SUSPECT_CAP = 1_000
"""Only the newest suspects are looked at: each takes a look at all transfers before it."""
DUST_SHARE = 1e-4
"""Bait is worth at most so much of the median transfer."""


@dataclass(frozen=True)
class Batch:
    """Transfers of one sender in one transaction to different recipients."""

    rows: tuple[int, ...]
    recipients: int


@dataclass(frozen=True)
class Bait:
    """A worthless transfer that puts a look-alike into somebody's history.

    Attributes:
        row: The transfer.
        victim: Whose history it enters.
        fake: The look-alike.
        real: The counterparty it imitates.
    """

    row: int
    victim: str
    fake: str
    real: str


def find_batches(table: TransferTable, least: int) -> list[Batch]:
    """Return the transactions in which one sender serves at least `least` recipients.

    Mints count, as airdrops often are ones; zero amounts and transfers to oneself do not. The
    largest batches first.
    """
    crowded = np.bincount(table.transactions) >= least if len(table) else np.zeros(0, dtype=bool)
    rows = np.flatnonzero(crowded[table.transactions] & (table.senders != table.recipients))
    rows = rows[table.limbs[rows].any(axis=1)]
    keys = table.transactions[rows] * max(1, len(table.addresses)) + table.senders[rows]
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    sizes = np.diff(starts, append=rows.size)
    batches = []
    for group in np.flatnonzero(sizes >= least).tolist():
        members = rows[order[starts[group] : starts[group] + sizes[group]]]
        recipients = int(np.unique(table.recipients[members]).size)
        if recipients >= least:
            batches.append(Batch(tuple(members.tolist()), recipients))
    return sorted(batches, key=lambda batch: (-batch.recipients, batch.rows))


def find_zero_value_groups(table: TransferTable, least: int) -> list[tuple[int, ...]]:
    """Return the rows of each transaction with at least `least` transfers of zero.

    Nobody needs to consent to a transferFrom of 0, so such transactions only serve to leave
    traces. Source: Forta's address-poisoning agent.
    """
    rows = np.flatnonzero(~table.limbs.any(axis=1))
    numbers = table.transactions[rows]
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    sizes = np.diff(starts, append=rows.size)
    return [
        tuple(rows[start : start + size].tolist())
        for start, size in zip(starts.tolist(), sizes.tolist(), strict=True)
        if size >= least
    ]


def find_bait(table: TransferTable) -> list[Bait]:
    """Return worthless transfers with an address that looks like a real counterparty.

    Looks alike: the same first and last four hex digits, which is what wallets show. Worthless:
    zero, or a ten-thousandth of the median transfer. Real: another transfer of the same victim
    before it, not worthless. Source: Tsuchiya et al. (2025), Blockchain Address Poisoning.
    """
    if not len(table):
        return []
    looks = _looks(table)
    dust = table.sizes <= float(np.median(table.sizes)) * DUST_SHARE
    suspects = np.flatnonzero(dust & _has_double(table, looks))[-SUSPECT_CAP:]
    return [bait for row in suspects.tolist() if (bait := _bait(table, looks, dust, row))]


def describe_batch(table: TransferTable, batch: Batch) -> BatchDistribution:
    """Return a batch for a reader."""
    first = table[batch.rows[0]]
    return BatchDistribution(
        transaction_hash=first.transaction_hash,
        block_number=first.block_number,
        sender=first.sender,
        recipient_count=batch.recipients,
        transfer_count=len(batch.rows),
        amount_raw=str(sum(table.amounts(np.array(batch.rows)))),
    )


def describe_bait(table: TransferTable, bait: Bait) -> PoisonedTransfer:
    """Return a poisoned transfer for a reader."""
    transfer = table[bait.row]
    return PoisonedTransfer(
        transaction_hash=transfer.transaction_hash,
        log_index=transfer.log_index,
        block_number=transfer.block_number,
        victim=bait.victim,
        look_alike=bait.fake,
        imitates=bait.real,
    )


def _looks(table: TransferTable) -> IntArray:
    """Number of each address's look, the same for addresses that look alike."""
    numbers: dict[str, int] = {}
    looks = (address[2:6] + address[-4:] for address in table.addresses)
    return np.array([numbers.setdefault(look, len(numbers)) for look in looks], dtype=np.int64)


def _has_double(table: TransferTable, looks: IntArray) -> BoolArray:
    """Rows one of whose ends looks like another address of the table."""
    doubled = np.bincount(looks)[looks] > 1
    return np.asarray(doubled[table.senders] | doubled[table.recipients])


def _bait(table: TransferTable, looks: IntArray, dust: BoolArray, row: int) -> Bait | None:
    ends = int(table.senders[row]), int(table.recipients[row])
    for victim, fake in (ends, ends[::-1]):
        alike = np.flatnonzero(looks == looks[fake])
        earlier = slice(0, row)
        sent = (table.senders[earlier] == victim) & np.isin(table.recipients[earlier], alike)
        got = (table.recipients[earlier] == victim) & np.isin(table.senders[earlier], alike)
        for real_row in np.flatnonzero((sent | got) & ~dust[earlier]).tolist()[::-1]:
            other = int(table.recipients[real_row] if sent[real_row] else table.senders[real_row])
            if other != fake:
                return Bait(
                    row, table.addresses[victim], table.addresses[fake], table.addresses[other]
                )
    return None
