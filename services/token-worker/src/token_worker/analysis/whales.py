"""Large holders, whether they gather or give, and which of their transfers move much."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from common.chain.types import Address
from common.chain.units import share_pct
from common.results.coin_flows import Behaviour, Whale
from token_worker.analysis.exact import fraction_of, least_amount
from token_worker.analysis.flows import AddressFlows
from token_worker.analysis.holders import excluded_addresses
from token_worker.analysis.table import TransferTable

PASSIVE_PCT = 1.0
"""A whale whose balance changes by less than this part of it counts as passive."""


@dataclass(frozen=True)
class WhaleMovement:
    """A transfer by which a whale gave away much of what it held right before."""

    row: int
    whale: Address
    balance_before: int
    moved_pct: float


def find_whales(
    token: Address,
    table: TransferTable,
    flows: AddressFlows,
    balances: Mapping[Address, int | None],
    contracts: Mapping[Address, bool],
    total_supply: int | None,
    whale_pct: float,
) -> list[Whale]:
    """Return the holders of at least `whale_pct` percent of supply, largest first.

    Who held as much at the start of the window counts as well: a whale that sold all of it is the
    one to know about. The balance at the start is the balance at the end less the net flow, which
    is exact for tokens whose every change of balance is a Transfer. Burn addresses and the token
    itself are no whales. Empty when the supply is unknown or 0.
    """
    if not total_supply:
        return []
    cut = least_amount(total_supply, whale_pct)
    left_out = excluded_addresses(token)
    whales: list[tuple[int, Whale]] = []
    for code, address in enumerate(table.addresses):
        balance = balances.get(address)
        if balance is None or address in left_out:
            continue
        net = flows.net(code)
        begin = max(0, balance - net)
        if max(balance, begin) < cut:
            continue
        whale = Whale(
            address=address,
            is_contract=contracts.get(address),
            balance_raw=str(balance),
            supply_pct=share_pct(balance, total_supply) or 0.0,
            begin_balance_raw=str(begin),
            begin_supply_pct=share_pct(begin, total_supply) or 0.0,
            in_raw=str(flows.received[code]),
            out_raw=str(flows.sent[code]),
            net_raw=str(net),
            behaviour=_behaviour(net, max(balance, begin)),
            transfer_count=flows.transfer_counts[code],
        )
        whales.append((max(balance, begin), whale))
    return [whale for _, whale in sorted(whales, key=lambda item: (-item[0], item[1].address))]


def find_whale_movements(
    table: TransferTable,
    whales: list[Whale],
    total_supply: int,
    whale_pct: float,
    movement_pct: float,
) -> list[WhaleMovement]:
    """Return the transfers in which a whale sends at least `movement_pct` percent of its balance.

    The balance before each transfer follows from the one at the pinned block by undoing transfers
    from the newest backwards, so it does not depend on where the window begins. In chain order.
    """
    cut = least_amount(total_supply, whale_pct)
    running = {table.code(Address(whale.address)): int(whale.balance_raw) for whale in whales}
    codes = np.fromiter(running, dtype=np.int64, count=len(running))
    touched = np.isin(table.senders, codes) | np.isin(table.recipients, codes)
    rows = np.flatnonzero(touched & ~table.is_self)
    amounts = table.amounts(rows)
    share = fraction_of(movement_pct) / 100
    movements: list[WhaleMovement] = []
    for row, amount in zip(rows[::-1].tolist(), reversed(amounts), strict=True):
        sender, recipient = int(table.senders[row]), int(table.recipients[row])
        if recipient in running:
            running[recipient] -= amount
        if sender not in running:
            continue
        running[sender] += amount
        before = running[sender]
        if before >= cut and amount > 0 and amount >= before * share:
            movements.append(
                WhaleMovement(row, table.addresses[sender], before, amount * 100 / before)
            )
    return movements[::-1]


def _behaviour(net: int, larger_balance: int) -> Behaviour:
    if abs(net) * 100 < fraction_of(PASSIVE_PCT) * larger_balance:
        return "passive"
    return "accumulating" if net > 0 else "distributing"
