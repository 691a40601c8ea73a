"""Supply that lay still for long and moves again."""

from dataclasses import dataclass

import numpy as np

from common.chain.units import share_pct
from common.models import from_millis
from common.results.coin_flows import WokenSupply
from token_worker.analysis.exact import IntArray
from token_worker.analysis.ledger import Ledger
from token_worker.analysis.packed import places_in
from token_worker.analysis.table import TransferTable


@dataclass(frozen=True)
class Waking:
    """The first transfer of an address after a long rest.

    Attributes:
        row: The transfer.
        rested_seconds: Time since the address last sent or received.
    """

    row: int
    rested_seconds: int


def find_waking(
    table: TransferTable,
    least_seconds: int,
    least_raw: int,
    first: int = 0,
    past: Ledger | None = None,
) -> list[Waking]:
    """Return the transfers by which addresses woke, the largest first.

    Receiving ends a rest as well: from then on part of what it holds is young. Source: age
    consumed, as Santiment measures it.

    Args:
        table: Transfers; from the token's first one on, else rests are longer than they look.
        least_seconds: Shortest rest.
        least_raw: Smallest transfer.
        first: Row from which on to look; no later row is missing.
        past: Of all transfers before that row.
    """
    rows = np.arange(first, len(table))
    senders, recipients = table.senders[first:], table.recipients[first:]
    is_large = (table.sizes[first:] >= least_raw * (1 - 1e-14)) & ~table.is_mint[first:]
    movers = np.zeros(len(table.packed), dtype=bool)
    movers[senders[is_large]] = True
    sent, received = np.flatnonzero(movers[senders]), np.flatnonzero(movers[recipients])
    ends = np.concatenate([senders[sent], recipients[received]])
    places = np.concatenate([sent, received])
    order = np.lexsort((places, ends))
    members, places, is_sent = ends[order], places[order], order < sent.size
    times = table.timestamps[first:][places]
    before = np.roll(times, 1)
    starts = np.flatnonzero(np.diff(members, prepend=-1))
    before[starts] = times[starts] if past is None else _last_times(past, table, members[starts])
    rested = times - before
    woken = np.flatnonzero(is_sent & is_large[places] & (rested >= least_seconds))
    found = [
        Waking(int(rows[places[each]]), int(rested[each]))
        for each in woken.tolist()
        if table.amount(int(rows[places[each]])) >= least_raw
    ]
    return rank_wakings(table, found)


def rank_wakings(table: TransferTable, wakings: list[Waking]) -> list[Waking]:
    """Return wakings with the largest transfer first, then in chain order."""
    return sorted(wakings, key=lambda each: (-table.amount(each.row), each.row))


def _last_times(past: Ledger, table: TransferTable, codes: IntArray) -> IntArray:
    """When each address last moved; far in the future for one that never did: it never rested."""
    places = places_in(past.packed, table.packed[codes])
    times = np.full(codes.size, np.iinfo(np.int64).max)
    times[places >= 0] = past.last_times[places[places >= 0]]
    return times


def describe_waking(table: TransferTable, waking: Waking, total_supply: int | None) -> WokenSupply:
    """Return a transfer of woken supply for a reader."""
    transfer = table[waking.row]
    return WokenSupply(
        transaction_hash=transfer.transaction_hash,
        log_index=transfer.log_index,
        block_number=transfer.block_number,
        timestamp=from_millis(int(table.timestamps[waking.row]) * 1000),
        address=transfer.sender,
        amount_raw=str(transfer.amount),
        supply_pct=share_pct(transfer.amount, total_supply or 0),
        rested_days=waking.rested_seconds / 86_400,
    )
