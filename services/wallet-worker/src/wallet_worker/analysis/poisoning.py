"""Address poisoning: transfers meant to put a wrong address in front of the owner's eyes.

Source: "Blockchain Address Poisoning", arXiv 2501.16681: zero-value, tiny or counterfeit transfers
with an address that looks like one the owner has used.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from common.chain.types import ZERO_ADDRESS, Address, Transaction
from common.results.envelope import Reason
from wallet_worker.models import Movement, Position

ZERO_VALUE = "zero_value_not_sent_by_owner"
LOOK_ALIKE = "look_alike_address"

Suspects: TypeAlias = dict[Position, tuple[Reason, ...]]
"""Reasons by the position of each suspect movement; a movement without reasons is not in it."""

_Rank: TypeAlias = tuple[int, Position]


@dataclass(frozen=True, slots=True)
class Poisoning:
    """What was found in a wallet's history.

    Attributes:
        suspects: Movements that deserve a mark.
        imitations: Look-alike address to the address it imitates.
    """

    suspects: Suspects
    imitations: Mapping[Address, Address]


def find_poisoning(
    wallet: Address,
    movements: Sequence[Movement],
    transactions: Mapping[str, Transaction],
    look_alike_digits: int,
) -> Poisoning:
    """Return the movements that look like poisoning.

    A zero-value movement is a suspect when its transaction was sent by somebody else; when the
    sender was not read, it is not. Any movement with a look-alike address is one.

    Args:
        wallet: The wallet, whose own address is imitated too.
        movements: Its movements.
        transactions: Those that were read, by hash.
        look_alike_digits: Equal hex digits at either end that make a look-alike.
    """
    imitations = _imitations(wallet, movements, transactions, look_alike_digits)
    suspects: Suspects = {}
    for movement in movements:
        reasons = []
        other = movement.other_party(wallet)
        transaction = transactions.get(movement.transaction_hash)
        if movement.amount == 0 and transaction is not None and transaction.sender != wallet:
            reasons.append(
                Reason(
                    code=ZERO_VALUE, detail=f"moves nothing and was sent by {transaction.sender}"
                )
            )
        if other in imitations:
            reasons.append(
                Reason(code=LOOK_ALIKE, detail=f"{other} looks like {imitations[other]}")
            )
        if reasons:
            suspects[movement.position] = tuple(reasons)
    return Poisoning(suspects=suspects, imitations=imitations)


def _imitations(
    wallet: Address,
    movements: Sequence[Movement],
    transactions: Mapping[str, Transaction],
    digits: int,
) -> dict[Address, Address]:
    """Find the genuine address of each group of look-alikes; the others imitate it.

    Genuine is the wallet itself, else whom the wallet first sent something to in a transaction of
    its own, else the first one with which more than nothing was exchanged: an imitator comes
    after what it imitates.
    """
    ranks = _dealing_ranks(wallet, movements, transactions)
    groups: dict[str, set[Address]] = defaultdict(set)
    for address in {wallet, *(movement.other_party(wallet) for movement in movements)}:
        if address != ZERO_ADDRESS:
            groups[address[2 : 2 + digits] + address[-digits:]].add(address)
    imitations: dict[Address, Address] = {}
    for group in groups.values():
        dealt_with = [address for address in group if address in ranks]
        if len(group) > 1 and dealt_with:
            genuine = min(dealt_with, key=lambda address: ranks[address])
            imitations.update({address: genuine for address in group if address != genuine})
    return imitations


def _dealing_ranks(
    wallet: Address, movements: Sequence[Movement], transactions: Mapping[str, Transaction]
) -> dict[Address, _Rank]:
    ranks: dict[Address, _Rank] = {wallet: (0, (0, 0, 0))}
    for movement in movements:
        other = movement.other_party(wallet)
        if movement.amount == 0 or other == wallet:
            continue
        transaction = transactions.get(movement.transaction_hash)
        signed = transaction is not None and transaction.sender == wallet
        by_owner = signed and movement.sender == wallet
        rank = (1 if by_owner else 2, movement.position)
        ranks[other] = min(rank, ranks.get(other, rank))
    return ranks
