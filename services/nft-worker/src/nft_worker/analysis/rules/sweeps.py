"""One wallet buying many tokens at once."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from common.chain.types import Address
from nft_worker.analysis.findings import Finding, places_of_sales
from nft_worker.analysis.wording import count_text, duration_text, short
from nft_worker.models import Sale


def find_sweeps(
    sales: Iterable[Sale],
    *,
    least_in_transaction: int,
    least_in_time: int,
    seconds: float,
) -> list[Finding]:
    """Return one finding for each burst of purchases by one wallet.

    A burst is `least_in_time` different tokens within `seconds`, or `least_in_transaction` in one
    transaction that is not part of such a burst.

    Args:
        sales: In the order of the chain.
        least_in_transaction: Tokens bought in one transaction.
        least_in_time: Tokens bought within `seconds`.
        seconds: Length of time that counts as at once.
    """
    by_buyer: defaultdict[Address, list[Sale]] = defaultdict(list)
    for sale in sales:
        if sale.buyer != sale.seller:
            by_buyer[sale.buyer].append(sale)
    findings: list[Finding] = []
    for buyer, purchases in by_buyer.items():
        rest: list[Sale] = []
        findings.extend(
            _finding(buyer, burst, least_in_time)
            for burst in bursts(purchases, least_in_time, seconds, rest)
        )
        by_transaction: defaultdict[str, list[Sale]] = defaultdict(list)
        for sale in rest:
            by_transaction[sale.transaction_hash].append(sale)
        findings.extend(
            _finding(buyer, burst, least_in_transaction)
            for burst in by_transaction.values()
            if len({sale.token_id for sale in burst}) >= least_in_transaction
        )
    return findings


def bursts(
    trades: Sequence[Sale], least: int, seconds: float, rest: list[Sale]
) -> Iterator[Sequence[Sale]]:
    """Yield disjoint runs of trades, each of `least` or more tokens within `seconds` of its start.

    Args:
        trades: One wallet's, in the order of the chain.
        least: Different tokens that a run needs.
        seconds: Longest time from the first trade of a run to its last.
        rest: Receives the trades outside of all runs, in the order of the chain.
    """
    start = 0
    end = 0
    while start < len(trades):
        end = max(end, start)
        while end < len(trades) and trades[end].timestamp - trades[start].timestamp <= seconds:
            end += 1
        run = trades[start:end]
        if len(run) >= least and len({sale.token_id for sale in run}) >= least:
            yield run
            start = end
        else:
            rest.append(trades[start])
            start += 1


def _finding(buyer: Address, burst: Sequence[Sale], least: int) -> Finding:
    tokens = tuple(sorted({sale.token_id for sale in burst}))
    seconds = burst[-1].timestamp - burst[0].timestamp
    span = "in one moment" if seconds == 0 else f"within {duration_text(seconds)}"
    return Finding(
        type="sweep",
        wallets=(buyer,),
        token_ids=tokens,
        places=places_of_sales(burst),
        sales=tuple(sale.position for sale in burst),
        explanation=f"{short(buyer)} bought {count_text(len(tokens), 'token')} {span}.",
        key=(buyer, burst[0].transaction_hash),
        value=len(tokens),
        threshold=least,
    )
