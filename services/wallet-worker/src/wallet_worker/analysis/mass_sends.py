"""Tokens that reached the wallet among many others in one transaction, as spam does.

Source of the rule and its default of 50: rotki, rotkehlchen/chain/evm/transactions.py: a token that
nobody asked for, in a receipt with more than 50 transfers of it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from common.chain.transfers import TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE
from common.chain.types import Address, Receipt
from common.results.envelope import Reason
from wallet_worker.analysis.spam import Suspicion
from wallet_worker.models import Movement

SMALLEST_BATCH = 3
"""Fewer transfers of a token in one transaction are no group; thresholds may not be below."""

_TRANSFERS = (TRANSFER, TRANSFER_SINGLE, TRANSFER_BATCH)


def large_batches(receipt: Receipt) -> dict[Address, int]:
    """Return how many transfers each contract logged in a transaction, where they are many."""
    counts = Counter(
        log.address for log in receipt.logs if log.topics and log.topics[0] in _TRANSFERS
    )
    return {contract: count for contract, count in counts.items() if count >= SMALLEST_BATCH}


def mass_send_suspicions(
    movements: Iterable[Movement],
    batches: Mapping[str, Mapping[Address, int]],
    most_transfers: int,
) -> dict[Address, Suspicion]:
    """Return a suspicion for contracts whose tokens came to many at once.

    Args:
        movements: All movements of the wallet.
        batches: Transfers in each transaction by contract, where they are many.
        most_transfers: More transfers in one transaction make it a mass send.
    """
    largest: dict[Address, int] = {}
    for movement in movements:
        count = batches.get(movement.transaction_hash, {}).get(movement.contract, 0)
        largest[movement.contract] = max(count, largest.get(movement.contract, 0))
    return {
        contract: (
            Reason(
                code="mass_send",
                detail=f"never asked for, with {count} transfers of it in one transaction",
            ),
            0.6,
        )
        for contract, count in largest.items()
        if count > most_transfers
    }
