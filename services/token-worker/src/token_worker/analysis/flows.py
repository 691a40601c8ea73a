"""What moved: sums over all transfers, and what each address received and sent."""

from dataclasses import dataclass
from heapq import nlargest
from operator import sub

import numpy as np

from common.chain.types import DEAD_ADDRESS, ZERO_ADDRESS
from common.results.coin_flows import FlowSummary, NetFlow
from token_worker.analysis.table import TransferTable


@dataclass(frozen=True)
class AddressFlows:
    """Raw sums and counts by address code of the table they were computed from.

    A transfer to oneself is received and sent, but one transfer.
    """

    received: list[int]
    sent: list[int]
    received_counts: list[int]
    sent_counts: list[int]
    transfer_counts: list[int]

    def net(self, code: int) -> int:
        """Received - sent; the sum over all addresses, the zero address included, is 0."""
        return self.received[code] - self.sent[code]


def sum_address_flows(table: TransferTable) -> AddressFlows:
    """Return what each address received and sent."""
    count = len(table.addresses)
    received_counts = np.bincount(table.recipients, minlength=count)
    sent_counts = np.bincount(table.senders, minlength=count)
    to_oneself = table.senders[table.senders == table.recipients]
    return AddressFlows(
        received=table.sum_by(table.recipients, count),
        sent=table.sum_by(table.senders, count),
        received_counts=received_counts.tolist(),
        sent_counts=sent_counts.tolist(),
        transfer_counts=(
            received_counts + sent_counts - np.bincount(to_oneself, minlength=count)
        ).tolist(),
    )


def rank_net_flows(table: TransferTable, flows: AddressFlows, limit: int) -> list[NetFlow]:
    """Return the `limit` largest net flows in either direction; ties sort by address."""
    nets = list(map(sub, flows.received, flows.sent))
    sizes = list(map(abs, nets))
    ranked = nlargest(limit, range(len(nets)), key=sizes.__getitem__)  # the first of equals first
    return [
        NetFlow(
            address=table.addresses[code],
            in_raw=str(flows.received[code]),
            out_raw=str(flows.sent[code]),
            net_raw=str(nets[code]),
            in_count=flows.received_counts[code],
            out_count=flows.sent_counts[code],
        )
        for code in ranked
    ]


def count_new_addresses(table: TransferTable, since_block: int) -> int:
    """Return how many addresses, without the zero address, first occur after a block."""
    older = table.block_numbers <= since_block
    known = np.zeros(len(table.addresses), dtype=bool)
    known[table.senders[older]] = True
    known[table.recipients[older]] = True
    zero = table.code(ZERO_ADDRESS)
    return int((~known).sum()) - int(zero >= 0 and not known[zero])


def summarize_flows(
    table: TransferTable, total_supply: int | None, new_addresses: int | None
) -> FlowSummary:
    """Return counts and sums over all transfers.

    Minted - burned is the change of supply of a token that follows ERC-20: a mint comes from the
    zero address, a burn goes to it from anybody else.
    """
    minted, burned = table.sum_where(table.is_mint), table.sum_where(table.is_burn)
    volume = table.sum_by(np.zeros(len(table), dtype=np.int64), 1)[0]
    moved = volume - minted - burned
    return FlowSummary(
        transfer_count=len(table),
        transaction_count=int(table.transactions[-1]) + 1 if len(table) else 0,
        unique_senders=int(np.count_nonzero(np.bincount(table.senders))),
        unique_receivers=int(np.count_nonzero(np.bincount(table.recipients))),
        active_addresses=len(table.addresses) - (table.code(ZERO_ADDRESS) >= 0),
        new_addresses=new_addresses,
        volume_raw=str(volume),
        volume_ex_mint_burn_raw=str(moved),
        mint_count=int(table.is_mint.sum()),
        minted_raw=str(minted),
        burn_count=int(table.is_burn.sum()),
        burned_raw=str(burned),
        net_supply_change_raw=str(minted - burned),
        sent_to_dead_raw=str(table.sum_where(table.recipients == table.code(DEAD_ADDRESS))),
        zero_value_count=int((~table.limbs.any(axis=1)).sum()),
        self_transfer_count=int(table.is_self.sum()),
        velocity=moved / total_supply if total_supply else None,
    )
