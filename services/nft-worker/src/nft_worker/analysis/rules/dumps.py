"""One wallet selling much of what it holds."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from common.chain.types import Address
from nft_worker.analysis.findings import Finding, places_of_sales
from nft_worker.analysis.rules.sweeps import bursts
from nft_worker.analysis.wording import count_text, duration_text, short
from nft_worker.models import Position, Sale

HeldBefore = Callable[[Address, Position], int | None]
"""Tokens that a wallet held just before a place on the chain; None when that is not known."""


def find_dumps(
    sales: Iterable[Sale],
    held_before: HeldBefore,
    *,
    least: int,
    least_pct: float,
    seconds: float,
) -> tuple[list[Finding], int]:
    """Return the dumps, and how many runs of sales could not be judged.

    A dump is `least` or more tokens sold by one wallet within `seconds`, which are `least_pct`
    percent or more of what it held before the first of these sales.

    Args:
        sales: In the order of the chain.
        held_before: Tells what a wallet held.
        least: Different tokens sold.
        least_pct: Part of the holding sold.
        seconds: Longest time from the first sale to the last.
    """
    by_seller: defaultdict[Address, list[Sale]] = defaultdict(list)
    for sale in sales:
        if sale.seller != sale.buyer:
            by_seller[sale.seller].append(sale)
    findings: list[Finding] = []
    unknown = 0
    for seller, sold in by_seller.items():
        for burst in bursts(sold, least, seconds, []):
            held = held_before(seller, burst[0].position)
            if held is None:
                unknown += 1
                continue
            pct = 100 * sum(sale.quantity for sale in burst) / held if held > 0 else 100.0
            if pct >= least_pct:
                findings.append(_finding(seller, burst, min(pct, 100.0), least_pct))
    return findings, unknown


def _finding(seller: Address, burst: Sequence[Sale], pct: float, least_pct: float) -> Finding:
    tokens = tuple(sorted({sale.token_id for sale in burst}))
    seconds = burst[-1].timestamp - burst[0].timestamp
    return Finding(
        type="dump",
        wallets=(seller,),
        token_ids=tokens,
        places=places_of_sales(burst),
        sales=tuple(sale.position for sale in burst),
        explanation=(
            f"{short(seller)} sold {count_text(len(tokens), 'token')} within "
            f"{duration_text(seconds)}, {pct:.0f} % of what it held."
        ),
        key=(seller, burst[0].transaction_hash),
        value=pct,
        threshold=least_pct,
        severity="low",
    )
