"""How unevenly balances are spread."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from common.chain.units import share_pct
from common.results.coin_flows import Concentration
from common.statistics import gini, hhi, nakamoto
from token_worker.analysis.exact import least_amount


def describe_concentration(balances: Iterable[int], supply: int | None) -> Concentration:
    """Return the concentration of balances.

    Args:
        balances: Raw balances in any order; only those above 0 are of holders.
        supply: What top shares are percentages of, raw; None or 0 leaves them null.
    """
    ordered = sorted(balances)
    del ordered[: bisect_right(ordered, 0)]
    if not ordered:
        return Concentration(
            holder_count=0,
            balance_sum_raw="0",
            median_balance_raw=None,
            gini=None,
            hhi=None,
            nakamoto=None,
            top_1_pct=None,
            top_10_pct=None,
            top_50_pct=None,
            top_100_pct=None,
            holders_above_one_pct=None,
            holders_above_tenth_pct=None,
        )
    total = sum(ordered)
    sizes = list(map(float, ordered))
    top_sums = list(accumulate(reversed(ordered[-100:])))
    middle = len(ordered) // 2
    whole = supply or 0

    def top_pct(count: int) -> float | None:
        return share_pct(top_sums[min(count, len(top_sums)) - 1], whole)

    return Concentration(
        holder_count=len(ordered),
        balance_sum_raw=str(total),
        median_balance_raw=str((ordered[~middle] + ordered[middle]) // 2),
        gini=gini(sizes),
        hhi=hhi(sizes),
        nakamoto=nakamoto(ordered),
        top_1_pct=top_pct(1),
        top_10_pct=top_pct(10),
        top_50_pct=top_pct(50),
        top_100_pct=top_pct(100),
        holders_above_one_pct=_count_above(ordered, whole, 1),
        holders_above_tenth_pct=_count_above(ordered, whole, 0.1),
    )


def _count_above(ordered: Sequence[int], whole: int, pct: float) -> int | None:
    if whole == 0:
        return None
    cut = least_amount(whole, pct)
    return len(ordered) - bisect_left(ordered, cut)
