"""Large holders, whether they gather or give, and which of their transfers move much."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from common.chain.types import Address
from common.chain.units import share_pct
from common.results.coin_flows import Behaviour, Whale
from token_worker.analysis.exact import distinct, fraction_of, least_amount
from token_worker.analysis.holders import excluded_addresses
from token_worker.analysis.ledger import Ledger
from token_worker.analysis.packed import unpack_one
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
    ledger: Ledger,
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
    told = map(balances.get, ledger.addresses)
    whales: list[tuple[int, Whale]] = []
    for code, (balance, net) in enumerate(zip(told, ledger.nets, strict=True)):
        if balance is None or (balance < cut and balance - net < cut):
            continue
        address, begin = ledger.addresses[code], max(0, balance - net)
        if address in left_out:
            continue
        whale = Whale(
            address=address,
            is_contract=contracts.get(address),
            balance_raw=str(balance),
            supply_pct=share_pct(balance, total_supply) or 0.0,
            begin_balance_raw=str(begin),
            begin_supply_pct=share_pct(begin, total_supply) or 0.0,
            in_raw=str(ledger.received[code]),
            out_raw=str(ledger.sent[code]),
            net_raw=str(net),
            behaviour=_behaviour(net, max(balance, begin)),
            transfer_count=ledger.transfer_count(code),
        )
        whales.append((max(balance, begin), whale))
    return [whale for _, whale in sorted(whales, key=lambda item: (-item[0], item[1].address))]


def find_movements(
    table: TransferTable,
    first: int,
    opening: Callable[[Address], int | None],
    least_before: int,
    movement_pct: float,
) -> list[WhaleMovement]:
    """Return the transfers in which somebody sends at least `movement_pct` percent of a balance.

    In chain order. Mints and transfers to oneself take nothing from a balance.

    Args:
        table: The transfers.
        first: Row from which on to look; no later row is missing.
        opening: Raw balance of an address right before that row; None where it is unknown.
        least_before: Smallest balance to tell of.
        movement_pct: Percent of the balance right before the transfer.
    """
    share = fraction_of(movement_pct) / 100
    rows = np.arange(first, len(table))
    senders, recipients = table.senders[first:], table.recipients[first:]
    large = table.sizes[first:] >= max(1.0, float(share * least_before) * (1 - 1e-9))
    moves = (senders != recipients) & ~table.is_mint[first:]
    running: dict[int, int] = {}
    for code in distinct(senders[large & moves]).tolist():
        balance = opening(unpack_one(table.packed[code]))
        if balance is not None:
            running[code] = balance
    watched = np.zeros(len(table.packed), dtype=bool)
    watched[list(running)] = True
    rows = rows[(watched[senders] | watched[recipients]) & (senders != recipients)]
    movements: list[WhaleMovement] = []
    for row, amount in zip(rows.tolist(), table.amounts(rows), strict=True):
        sender, recipient = int(table.senders[row]), int(table.recipients[row])
        if recipient in running:
            running[recipient] += amount
        if sender not in running:
            continue
        before = running[sender]
        running[sender] -= amount
        if before >= least_before and amount > 0 and amount >= before * share:
            whale = unpack_one(table.packed[sender])
            movements.append(WhaleMovement(row, whale, before, amount * 100 / before))
    return movements


def _behaviour(net: int, larger_balance: int) -> Behaviour:
    if abs(net) * 100 < fraction_of(PASSIVE_PCT) * larger_balance:
        return "passive"
    return "accumulating" if net > 0 else "distributing"
