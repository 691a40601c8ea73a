"""Transfers that one transaction leaves in the histories of many: of counterfeits, and of dust.

Source: Forta's address-poisoning agent (starter kits): five or more transfers of tokens with
official symbols, ten or more of small change that imitates what the victim lately sent.
"""

from collections.abc import Collection, Mapping, Sequence

from common.chain.types import ZERO_ADDRESS, Address, Transaction
from common.results.envelope import Reason
from wallet_worker.models import Movement, Position

COUNTERFEIT = "counterfeit_transfer"
DUST = "dust_imitation"

SMALLER_BY = 100
"""How many times less than the amount it imitates dust is, at least."""

Groups = Mapping[str, Mapping[Address, int]]
"""Transfers of each contract in a transaction, where they are several, by transaction hash."""


def sent_by_others(
    wallet: Address, movements: Sequence[Movement], transactions: Mapping[str, Transaction]
) -> list[Movement]:
    """Return the movements of transactions that were read and that the wallet did not send."""
    return [
        each
        for each in movements
        if (transaction := transactions.get(each.transaction_hash)) is not None
        and transaction.sender != wallet
    ]


def counterfeit_suspects(
    wallet: Address,
    unasked: Sequence[Movement],
    groups: Groups,
    counterfeits: Mapping[Address, Reason],
    least_transfers: int,
) -> dict[Position, Reason]:
    """Return the movements of counterfeits that serve to show an address.

    Such a token claims that the wallet itself sent it, or is logged for many in one transaction.
    A mint or a burn shows no address.

    Args:
        wallet: The wallet.
        unasked: Movements of transactions that others sent.
        groups: Transfers by transaction and contract.
        counterfeits: Contracts with the symbol of another token, and whose.
        least_transfers: Transfers of the token in one transaction that make it a group.
    """
    found: dict[Position, Reason] = {}
    for movement in unasked:
        counterfeit = counterfeits.get(movement.contract)
        if counterfeit is None or movement.other_party(wallet) == ZERO_ADDRESS:
            continue
        count = _group_size(movement, groups)
        if movement.sender == wallet:
            claim = "claims that the wallet sent it"
        elif count >= least_transfers:
            claim = f"one of {count} in the transaction"
        else:
            continue
        found[movement.position] = Reason(
            code=COUNTERFEIT, detail=f"of a counterfeit, {claim}: {counterfeit.detail}"
        )
    return found


def dust_suspects(
    wallet: Address,
    movements: Sequence[Movement],
    unasked: Collection[Movement],
    groups: Groups,
    known: Collection[Address],
    least_transfers: int,
) -> dict[Position, Reason]:
    """Return small change of well-known tokens that came to many, with the digits of a real amount.

    0.016 imitates 16,000: its digits begin those of an amount that moved before, at least a hundred
    times larger.

    Args:
        wallet: The wallet.
        movements: Its movements that are not suspect, in the order of the chain.
        unasked: Those of transactions that others sent.
        groups: Transfers by transaction and contract.
        known: Contracts of well-known tokens.
        least_transfers: Transfers of the token in one transaction that make it a group.
    """
    candidates = {
        each.position
        for each in unasked
        if each.contract in known
        and each.recipient == wallet
        and each.sender != ZERO_ADDRESS
        and each.amount > 0
        and _group_size(each, groups) >= least_transfers
    }
    contracts = {each.contract for each in movements if each.position in candidates}
    largest: dict[tuple[Address, str], int] = {}
    found: dict[Position, Reason] = {}
    for movement in movements:
        if movement.contract not in contracts or movement.amount == 0:
            continue
        digits = str(movement.amount).rstrip("0")
        imitated = largest.get((movement.contract, digits), 0)
        if movement.position in candidates and imitated >= SMALLER_BY * movement.amount:
            detail = (
                f"{movement.amount} came with {_group_size(movement, groups)} transfers in one"
                f" transaction and has the first digits of {imitated}, which moved before"
            )
            found[movement.position] = Reason(code=DUST, detail=detail)
            continue
        for length in range(1, len(digits) + 1):
            key = (movement.contract, digits[:length].rstrip("0"))
            largest[key] = max(movement.amount, largest.get(key, 0))
    return found


def _group_size(movement: Movement, groups: Groups) -> int:
    return groups.get(movement.transaction_hash, {}).get(movement.contract, 0)
