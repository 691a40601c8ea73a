"""Flows into and out of exchanges, by the labels of addresses."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from common.chain.types import Address
from common.chain.units import share_pct
from common.labels.label import Label
from common.results.coin_flows import ExchangeFlow, ExchangeFlows
from token_worker.analysis.exact import BoolArray, IntArray
from token_worker.analysis.table import TransferTable


@dataclass(frozen=True)
class ExchangeRows:
    """Which rows enter an exchange from outside of all exchanges, and which leave one."""

    inflow: IntArray
    outflow: IntArray


def find_exchange_rows(table: TransferTable, labels: Mapping[Address, Label]) -> ExchangeRows:
    """Return the rows between exchanges and everybody else.

    Transfers within one exchange or between two say nothing of buying or selling, nor do mints
    and burns. Source: the classes of Dune's cex_flows; Santiment's exchange inflow.
    """
    of_exchange = _is_exchange(table, labels)
    sent, received = of_exchange[table.senders], of_exchange[table.recipients]
    between = ~table.is_mint & ~table.is_burn
    return ExchangeRows(
        inflow=np.flatnonzero(~sent & received & between),
        outflow=np.flatnonzero(sent & ~received & between),
    )


def describe_exchange_flows(
    table: TransferTable,
    labels: Mapping[Address, Label],
    rows: ExchangeRows,
    total_supply: int | None,
    limit: int,
) -> ExchangeFlows:
    """Return what went into exchanges and came out of them, in all and by exchange."""
    by_owner: dict[str, list[int]] = {}
    counts: dict[str, list[int]] = {}
    for side, (selected, ends) in enumerate(
        ((rows.inflow, table.recipients), (rows.outflow, table.senders))
    ):
        for code, amount in zip(ends[selected].tolist(), table.amounts(selected), strict=True):
            owner = labels[table.addresses[code]].owner
            by_owner.setdefault(owner, [0, 0])[side] += amount
            counts.setdefault(owner, [0, 0])[side] += 1
    inflow, outflow = (sum(sums[side] for sums in by_owner.values()) for side in (0, 1))
    ranked = sorted(by_owner, key=lambda owner: (-sum(by_owner[owner]), owner))
    return ExchangeFlows(
        inflow_raw=str(inflow),
        outflow_raw=str(outflow),
        net_raw=str(inflow - outflow),
        net_supply_pct=share_pct(inflow - outflow, total_supply or 0),
        by_exchange=[
            ExchangeFlow(
                exchange=owner,
                inflow_raw=str(by_owner[owner][0]),
                outflow_raw=str(by_owner[owner][1]),
                net_raw=str(by_owner[owner][0] - by_owner[owner][1]),
                inflow_count=counts[owner][0],
                outflow_count=counts[owner][1],
            )
            for owner in ranked[:limit]
        ],
    )


def _is_exchange(table: TransferTable, labels: Mapping[Address, Label]) -> BoolArray:
    marks = np.zeros(len(table.addresses), dtype=bool)
    for address, label in labels.items():
        code = table.code(address)
        if code >= 0 and label.kind == "exchange":
            marks[code] = True
    return marks
