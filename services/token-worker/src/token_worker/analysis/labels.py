"""Flows into and out of exchanges, by the labels of addresses."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from common.chain.types import Address
from common.chain.units import share_pct
from common.labels.label import Label
from common.results.coin_flows import ExchangeFlow, ExchangeFlows
from token_worker.analysis.exact import BoolArray, IntArray
from token_worker.analysis.packed import pack_addresses, places_in, unpack_one
from token_worker.analysis.table import TransferTable


@dataclass(frozen=True)
class ExchangeRows:
    """Which rows enter an exchange from outside of all exchanges, and which leave one."""

    inflow: IntArray
    outflow: IntArray


@dataclass(frozen=True)
class ExchangeSums:
    """Raw amounts and numbers of transfers by owner and side, `in` or `out`."""

    amounts: Counter[tuple[str, str]]
    counts: Counter[tuple[str, str]]

    def followed_by(self, newer: "ExchangeSums") -> "ExchangeSums":
        """Return the sums of these transfers and of others."""
        return ExchangeSums(self.amounts + newer.amounts, self.counts + newer.counts)


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


def sum_exchange_flows(
    table: TransferTable, labels: Mapping[Address, Label], rows: ExchangeRows
) -> ExchangeSums:
    """Return what went into each exchange and came out of it."""
    amounts: Counter[tuple[str, str]] = Counter()
    counts: Counter[tuple[str, str]] = Counter()
    for side, selected, ends in (
        ("in", rows.inflow, table.recipients),
        ("out", rows.outflow, table.senders),
    ):
        for code, amount in zip(ends[selected].tolist(), table.amounts(selected), strict=True):
            owner = labels[unpack_one(table.packed[code])].owner
            amounts[owner, side] += amount
            counts[owner, side] += 1
    return ExchangeSums(amounts, counts)


def describe_exchange_flows(
    sums: ExchangeSums, total_supply: int | None, limit: int
) -> ExchangeFlows:
    """Return what went into exchanges and came out of them, in all and by exchange."""
    amounts, counts = sums.amounts, sums.counts
    inflow, outflow = (
        sum(amount for (_, each), amount in amounts.items() if each == side)
        for side in ("in", "out")
    )
    ranked = sorted(
        {owner for owner, _ in counts},
        key=lambda owner: (-amounts[owner, "in"] - amounts[owner, "out"], owner),
    )
    return ExchangeFlows(
        inflow_raw=str(inflow),
        outflow_raw=str(outflow),
        net_raw=str(inflow - outflow),
        net_supply_pct=share_pct(inflow - outflow, total_supply or 0),
        by_exchange=[
            ExchangeFlow(
                exchange=owner,
                inflow_raw=str(amounts[owner, "in"]),
                outflow_raw=str(amounts[owner, "out"]),
                net_raw=str(amounts[owner, "in"] - amounts[owner, "out"]),
                inflow_count=counts[owner, "in"],
                outflow_count=counts[owner, "out"],
            )
            for owner in ranked[:limit]
        ],
    )


def _is_exchange(table: TransferTable, labels: Mapping[Address, Label]) -> BoolArray:
    exchanges = sorted(address for address, label in labels.items() if label.kind == "exchange")
    marks = np.zeros(len(table.packed), dtype=bool)
    places = places_in(table.packed, pack_addresses(exchanges))
    marks[places[places >= 0]] = True
    return marks
