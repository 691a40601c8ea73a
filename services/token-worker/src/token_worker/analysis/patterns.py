"""Transfers that are not what they seem: batches to many, and bait for careless copying."""

from dataclasses import dataclass

import numpy as np

from common.chain.types import ZERO_ADDRESS, Address
from common.results.coin_flows import BatchDistribution, PoisonedTransfer
from token_worker.analysis.edges import Edges
from token_worker.analysis.exact import BoolArray, IntArray
from token_worker.analysis.ledger import Ledger
from token_worker.analysis.packed import ADDRESS_BYTES, PackedAddresses
from token_worker.analysis.table import EVIDENCE_CAP, TransferTable

WORTHLESS = 10_000
"""Bait moves at most one in so many of what the imitated counterparty moved."""


@dataclass(frozen=True)
class Batch:
    """Transfers of one sender in one transaction to different recipients.

    Attributes:
        rows: The first transfer and the largest ones, in chain order.
        recipients: How many different ones.
        transfers: How many there are in all.
        amount: Their raw sum.
    """

    rows: tuple[int, ...]
    recipients: int
    transfers: int
    amount: int


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
    victim: Address
    fake: Address
    real: Address


def find_batches(table: TransferTable, least: int, first: int = 0) -> list[Batch]:
    """Return the transactions in which one sender serves at least `least` recipients.

    Mints count, as airdrops often are ones; zero amounts and transfers to oneself do not.

    Args:
        table: The transfers.
        least: Recipients that make a batch.
        first: Row from which on to look.
    """
    numbers = table.transactions[first:]
    crowded = np.bincount(numbers) >= least if len(numbers) else np.zeros(0, dtype=bool)
    senders, recipients = table.senders[first:], table.recipients[first:]
    rows = np.flatnonzero(crowded[numbers] & (senders != recipients)) + first
    rows = rows[table.limbs[rows].any(axis=1)]
    keys = table.transactions[rows] * max(1, len(table.packed)) + table.senders[rows]
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    sizes = np.diff(starts, append=rows.size)
    batches = []
    for group in np.flatnonzero(sizes >= least).tolist():
        members = rows[order[starts[group] : starts[group] + sizes[group]]]
        served = int(np.unique(table.recipients[members]).size)
        if served >= least:
            shown = {int(members[0]), *table.largest(members, EVIDENCE_CAP)}
            amount = sum(table.amounts(members))
            batches.append(Batch(tuple(sorted(shown)), served, members.size, amount))
    return batches


def rank_batches(batches: list[Batch]) -> list[Batch]:
    """Return batches with the most recipients first, then in chain order."""
    return sorted(batches, key=lambda batch: (-batch.recipients, batch.rows))


def find_bait(
    table: TransferTable, ledger: Ledger, first: int = 0, past: Edges | None = None
) -> list[Bait]:
    """Return worthless transfers with an address that looks like a real counterparty, newest first.

    Looks alike: the same first and last four hex digits, which is what wallets show. Worthless: all
    that the victim and the look-alike ever moved between them, this transfer included, is at most
    a ten-thousandth of what the victim and the real counterparty had moved by then. Source:
    Tsuchiya et al. (2025), Blockchain Address Poisoning.

    Args:
        table: The transfers.
        ledger: Of all transfers.
        first: Row from which on to look.
        past: Edges of all transfers before that row.
    """
    looks = looks_of(ledger.packed)
    _, numbers, counts = np.unique(looks, return_inverse=True, return_counts=True)
    doubled = counts[numbers] > 1
    codes = np.searchsorted(ledger.packed, table.packed)
    senders, recipients = codes[table.senders[first:]], codes[table.recipients[first:]]
    zero = ledger.code(ZERO_ADDRESS)
    if zero >= 0:
        doubled[zero] = False  # mints and burns are nobody's counterparties
    rows = np.flatnonzero((doubled[senders] | doubled[recipients]) & (senders != recipients))
    moved = _moved_before(past, ledger, numbers, doubled, rows, senders, recipients)
    bait: list[Bait] = []
    for row, amount in zip(rows.tolist(), table.amounts(rows + first), strict=True):
        ends = int(senders[row]), int(recipients[row])
        for victim, other in (ends, ends[::-1]):
            if not doubled[other] or victim == zero:
                continue
            dealings = moved.setdefault((victim, int(numbers[other])), {})
            dealings[other] = dealings.get(other, 0) + amount
            most, real = max((moved, -each) for each, moved in dealings.items())
            if most > 0 and dealings[other] * WORTHLESS <= most:
                names = [ledger.address(each) for each in (victim, other, -real)]
                bait.append(Bait(row + first, *names))
    return bait[::-1]


def looks_of(packed: PackedAddresses) -> IntArray:
    """Return a number for the look of each address, the same for addresses that look alike."""
    octets = np.ascontiguousarray(packed).view(np.uint8).reshape(len(packed), ADDRESS_BYTES)
    ends = octets[:, [0, 1, -2, -1]].astype(np.int64)
    weights: IntArray = np.array([1 << 24, 1 << 16, 1 << 8, 1])
    return np.asarray(ends @ weights)


def describe_batch(table: TransferTable, batch: Batch) -> BatchDistribution:
    """Return a batch for a reader."""
    first = table[batch.rows[0]]
    return BatchDistribution(
        transaction_hash=first.transaction_hash,
        block_number=first.block_number,
        sender=first.sender,
        recipient_count=batch.recipients,
        transfer_count=batch.transfers,
        amount_raw=str(batch.amount),
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


def _moved_before(
    past: Edges | None,
    ledger: Ledger,
    looks: IntArray,
    doubled: BoolArray,
    rows: IntArray,
    senders: IntArray,
    recipients: IntArray,
) -> dict[tuple[int, int], dict[int, int]]:
    """What each victim moved before the rows, by look and by address, in both directions."""
    moved: dict[tuple[int, int], dict[int, int]] = {}
    if past is None or not rows.size:
        return moved
    is_end, is_looked_at = np.zeros(len(ledger), dtype=bool), np.zeros(looks.max() + 1, dtype=bool)
    ends = np.concatenate([senders[rows], recipients[rows]])
    is_end[ends] = True
    is_looked_at[looks[ends]] = True
    likely = is_looked_at[looks] & doubled
    codes = np.searchsorted(ledger.packed, past.packed)
    sources, targets = codes[past.sources], codes[past.targets]
    for victims, others in ((sources, targets), (targets, sources)):
        edges = np.flatnonzero(is_end[victims] & likely[others])
        for victim, other, amount in zip(
            victims[edges].tolist(), others[edges].tolist(), past.amounts(edges), strict=True
        ):
            dealings = moved.setdefault((victim, int(looks[other])), {})
            dealings[other] = dealings.get(other, 0) + amount
    return moved
