"""Supply that lay still for long and moves again."""

from dataclasses import dataclass

import numpy as np

from common.chain.units import share_pct
from common.models import from_millis
from common.results.coin_flows import WokenSupply
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


def find_waking(table: TransferTable, least_seconds: int, least_raw: int) -> list[Waking]:
    """Return the transfers by which addresses woke, the largest first.

    Receiving ends a rest as well: from then on part of what it holds is young. Source: age
    consumed, as Santiment measures it.

    Args:
        table: Transfers from the token's first one on, else rests are longer than they look.
        least_seconds: Shortest rest.
        least_raw: Smallest transfer.
    """
    large = np.flatnonzero((table.sizes >= least_raw * (1 - 1e-14)) & ~table.is_mint)
    movers = np.zeros(len(table.addresses), dtype=bool)
    movers[table.senders[large]] = True
    sent, received = np.flatnonzero(movers[table.senders]), np.flatnonzero(movers[table.recipients])
    ends = np.concatenate([table.senders[sent], table.recipients[received]])
    rows = np.concatenate([sent, received])
    order = np.lexsort((rows, ends))
    members, places = ends[order], rows[order]
    rested = np.diff(table.timestamps[places], prepend=0)
    again = np.diff(members, prepend=-1) == 0
    woken = np.flatnonzero(again & (order < sent.size) & (rested >= least_seconds))
    woken = woken[np.isin(places[woken], large)]
    found = [
        Waking(int(places[each]), int(rested[each]))
        for each in woken.tolist()
        if table.amount(int(places[each])) >= least_raw and not table.is_mint[places[each]]
    ]
    return sorted(found, key=lambda each: (-table.amount(each.row), each.row))


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
