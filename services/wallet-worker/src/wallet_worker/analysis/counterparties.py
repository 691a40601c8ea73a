"""Whom the wallet exchanged tokens with."""

from collections import Counter
from collections.abc import Container, Iterable

from common.chain.types import ZERO_ADDRESS, Address
from common.results.wallet_snapshot import Counterparty
from wallet_worker.models import Movement, Position


def counterparties(
    wallet: Address, movements: Iterable[Movement], suspects: Container[Position]
) -> list[Counterparty]:
    """Return everybody at the other end of a transfer, most transfers first, then by address.

    Left out: mints and burns, transfers to oneself, transfers of nothing, suspects of poisoning.
    """
    received: Counter[Address] = Counter()
    sent: Counter[Address] = Counter()
    for movement in movements:
        other = movement.other_party(wallet)
        if other in (wallet, ZERO_ADDRESS) or movement.amount == 0:
            continue
        if movement.position not in suspects:
            (sent if movement.sender == wallet else received)[other] += 1
    everybody = received.keys() | sent.keys()
    return [
        Counterparty(address=address, in_count=received[address], out_count=sent[address])
        for address in sorted(everybody, key=lambda each: (-received[each] - sent[each], each))
    ]
