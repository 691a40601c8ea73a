"""Address poisoning: transfers meant to put a wrong address in front of the owner's eyes.

Source: "Blockchain Address Poisoning", arXiv 2501.16681: zero-value, tiny or counterfeit transfers
with an address that looks like one the owner has used. Forta's address-poisoning agent: groups.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from common.actions.wallet_snapshot import WalletThresholds
from common.chain.types import ZERO_ADDRESS, Address, Transaction
from common.results.envelope import Reason
from wallet_worker.analysis.poisoned_groups import (
    Groups,
    counterfeit_suspects,
    dust_suspects,
    sent_by_others,
)
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


@dataclass(frozen=True, slots=True)
class KnownTokens:
    """What the symbols of tokens say.

    Attributes:
        officials: Contracts of well-known tokens.
        counterfeits: Contracts with the symbol of one of them, and whose.
    """

    officials: frozenset[Address] = frozenset()
    counterfeits: Mapping[Address, Reason] = field(default_factory=dict)


def find_poisoning(
    wallet: Address,
    movements: Sequence[Movement],
    transactions: Mapping[str, Transaction],
    groups: Groups,
    tokens: KnownTokens,
    thresholds: WalletThresholds,
) -> Poisoning:
    """Return the movements that look like poisoning.

    A zero-value movement is a suspect when its transaction was sent by somebody else; when the
    sender was not read, it is not. Any movement with a look-alike address is one. Counterfeits and
    dust: see `wallet_worker.analysis.poisoned_groups`.

    Args:
        wallet: The wallet, whose own address is imitated too.
        movements: Its movements.
        transactions: Those that were read, by hash.
        groups: Transfers by transaction and contract, where they are several.
        tokens: Which tokens are well known, and which pretend to be.
        thresholds: Where marks begin.
    """
    movements = sorted(movements, key=lambda each: each.position)
    imitations = _imitations(wallet, movements, transactions, thresholds.look_alike_digits)
    unasked = sent_by_others(wallet, movements, transactions)
    reasons: dict[Position, list[Reason]] = defaultdict(list)
    for movement in unasked:
        if movement.amount == 0:
            sender = transactions[movement.transaction_hash].sender
            detail = f"moves nothing and was sent by {sender}"
            reasons[movement.position].append(Reason(code=ZERO_VALUE, detail=detail))
    for movement in movements:
        other = movement.other_party(wallet)
        if other in imitations:
            detail = f"{other} looks like {imitations[other]}"
            reasons[movement.position].append(Reason(code=LOOK_ALIKE, detail=detail))
    for position, reason in counterfeit_suspects(
        wallet, unasked, groups, tokens.counterfeits, thresholds.poisoning_fake_transfers
    ).items():
        reasons[position].append(reason)
    honest = [each for each in movements if each.position not in reasons]
    for position, reason in dust_suspects(
        wallet, honest, unasked, groups, tokens.officials, thresholds.poisoning_dust_transfers
    ).items():
        reasons[position].append(reason)
    return Poisoning(
        suspects={position: tuple(found) for position, found in reasons.items()},
        imitations=imitations,
    )


def _imitations(
    wallet: Address,
    movements: Sequence[Movement],
    transactions: Mapping[str, Transaction],
    digits: int,
) -> dict[Address, Address]:
    """Find the genuine address of each group of look-alikes; the others imitate it.

    Genuine is the wallet itself, else whom the wallet first sent tokens or native coin to in a
    transaction of its own, else the first one with which more than nothing was exchanged: an
    imitator comes after what it imitates.
    """
    ranks = _dealing_ranks(wallet, movements, transactions)
    groups: dict[str, set[Address]] = defaultdict(set)
    for address in {*ranks, *(movement.other_party(wallet) for movement in movements)}:
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
    for payment in transactions.values():
        paid = payment.recipient
        if payment.sender == wallet and payment.value_wei > 0 and paid not in (None, wallet):
            rank = (1, (payment.block_number, payment.transaction_index, 0))
            ranks[paid] = min(rank, ranks.get(paid, rank))
    return ranks
