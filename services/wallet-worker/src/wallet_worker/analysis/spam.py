"""Why a token is probably spam: each rule gives a reason and a weight."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from math import prod
from typing import TypeAlias

from common.chain.types import Address, TokenMetadata
from common.results.envelope import Reason
from common.results.wallet_snapshot import SpamMark
from wallet_worker.analysis.ledger import TokenLedger
from wallet_worker.analysis.poisoning import Suspects
from wallet_worker.models import Movement

Suspicion: TypeAlias = tuple[Reason, float]
"""A reason and its weight, 0 to 1."""

_ADVERTISING = re.compile(
    r"https?://|www\."
    r"|\b(?:claim|visit|invited?)\b"
    r"|^\$.*\."
    r"|[^\w\s](?:com|io|site|xyz|li|org|cc|net|pm)\b"
)


def spam_mark(suspicions: Sequence[Suspicion], spam_score: float) -> SpamMark:
    """Combine suspicions as independent evidence: score = 1 - product of (1 - weight)."""
    score = round(1 - prod(1 - weight for _, weight in suspicions), 4)
    return SpamMark(
        is_spam=score >= spam_score, score=score, reasons=[reason for reason, _ in suspicions]
    )


def name_suspicions(metadata: TokenMetadata) -> list[Suspicion]:
    """Return a suspicion when name or symbol advertise: a URL, an invitation, a domain name.

    Text is compared in Unicode form NFKC, without invisible characters, in lower case: letters
    that only look different count as the same.
    """
    for text in (metadata.name, metadata.symbol):
        if text and _ADVERTISING.search(_plain(text)):
            return [(Reason(code="advertising_name", detail=f"{text[:80]!r} advertises"), 0.9)]
    return []


def _plain(text: str) -> str:
    visible = (char for char in text if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFKC", "".join(visible)).casefold()


def balance_suspicions(ledger: TokenLedger, balance: int | None) -> list[Suspicion]:
    """Return a suspicion when the contract does not stand by its own transfer events."""
    if balance is None:
        detail = "the contract does not answer balanceOf"
        return [(Reason(code="balance_unanswered", detail=detail), 0.5)]
    logged = ledger.received - ledger.sent
    if balance == 0 and logged > 0:
        detail = f"by its logs the wallet has {logged}, by its balanceOf nothing"
        return [(Reason(code="phony_transfers", detail=detail), 0.8)]
    return []


def poisoning_suspicions(
    movements: Sequence[Movement], suspects: Suspects
) -> Mapping[Address, list[Suspicion]]:
    """Return a suspicion for each contract that shows up in suspect movements and no others."""
    involved: dict[Address, bool] = {}
    for movement in movements:
        only_suspects = involved.get(movement.contract, True)
        involved[movement.contract] = only_suspects and movement.position in suspects
    detail = "every transfer of it looks like address poisoning"
    suspicion = (Reason(code="only_poisoning", detail=detail), 0.9)
    return {contract: [suspicion] for contract, only_suspects in involved.items() if only_suspects}
