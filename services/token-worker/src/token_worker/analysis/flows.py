"""What moved: sums over all transfers, and what each address received and sent."""

from dataclasses import dataclass, fields
from heapq import nlargest

import numpy as np

from common.chain.types import DEAD_ADDRESS, ZERO_ADDRESS
from common.results.coin_flows import FlowSummary, NetFlow
from token_worker.analysis.exact import sum_all
from token_worker.analysis.ledger import Ledger
from token_worker.analysis.table import TransferTable


@dataclass(frozen=True)
class Totals:
    """Counts and sums over transfers, raw: those of two spans of blocks add up."""

    transfers: int
    transactions: int
    volume: int
    mints: int
    minted: int
    burns: int
    burned: int
    sent_to_dead: int
    between_two: int
    zero_values: int
    self_transfers: int

    @classmethod
    def of(cls, table: TransferTable) -> "Totals":
        """Return the totals of some transfers, whole blocks of them.

        A mint comes from the zero address, a burn goes to it from anybody else.
        """
        return cls(
            transfers=len(table),
            transactions=int(table.transactions[-1]) + 1 if len(table) else 0,
            volume=sum_all(table.limbs),
            mints=int(table.is_mint.sum()),
            minted=table.sum_where(table.is_mint),
            burns=int(table.is_burn.sum()),
            burned=table.sum_where(table.is_burn),
            sent_to_dead=table.sum_where(table.recipients == table.code(DEAD_ADDRESS)),
            between_two=table.sum_where(table.senders != table.recipients),
            zero_values=int((~table.limbs.any(axis=1)).sum()),
            self_transfers=int(table.is_self.sum()),
        )

    def followed_by(self, newer: "Totals") -> "Totals":
        """Return the totals of these transfers and of others, all of which came later."""
        return Totals(
            **{
                field.name: getattr(self, field.name) + getattr(newer, field.name)
                for field in fields(self)
            }
        )


def rank_net_flows(ledger: Ledger, limit: int) -> list[NetFlow]:
    """Return the `limit` largest net flows in either direction; ties sort by address."""
    sizes = list(map(abs, ledger.nets))
    ranked = nlargest(limit, range(len(sizes)), key=sizes.__getitem__)  # the first of equals first
    return [
        NetFlow(
            address=ledger.address(code),
            in_raw=str(ledger.received[code]),
            out_raw=str(ledger.sent[code]),
            net_raw=str(ledger.nets[code]),
            in_count=int(ledger.received_counts[code]),
            out_count=int(ledger.sent_counts[code]),
        )
        for code in ranked
    ]


def count_new_addresses(ledger: Ledger, since_block: int) -> int:
    """Return how many addresses, without the zero address, first occur after a block."""
    fresh = ledger.first_blocks > since_block
    zero = ledger.code(ZERO_ADDRESS)
    return int(fresh.sum()) - int(zero >= 0 and bool(fresh[zero]))


def summarize_flows(
    totals: Totals, ledger: Ledger, total_supply: int | None, new_addresses: int | None
) -> FlowSummary:
    """Return counts and sums over all transfers.

    Minted - burned is the change of supply of a token that follows ERC-20.
    """
    moved = totals.volume - totals.minted - totals.burned
    return FlowSummary(
        transfer_count=totals.transfers,
        transaction_count=totals.transactions,
        unique_senders=int(np.count_nonzero(ledger.sent_counts)),
        unique_receivers=int(np.count_nonzero(ledger.received_counts)),
        active_addresses=len(ledger) - (ledger.code(ZERO_ADDRESS) >= 0),
        new_addresses=new_addresses,
        volume_raw=str(totals.volume),
        volume_ex_mint_burn_raw=str(moved),
        mint_count=totals.mints,
        minted_raw=str(totals.minted),
        burn_count=totals.burns,
        burned_raw=str(totals.burned),
        net_supply_change_raw=str(totals.minted - totals.burned),
        sent_to_dead_raw=str(totals.sent_to_dead),
        zero_value_count=totals.zero_values,
        self_transfer_count=totals.self_transfers,
        velocity=moved / total_supply if total_supply else None,
    )
