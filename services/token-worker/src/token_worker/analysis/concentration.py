"""How unevenly balances are spread."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import mul

from common.chain.units import share_pct
from common.results.coin_flows import Concentration
from token_worker.analysis.exact import least_amount
from token_worker.analysis.sizes import median


def describe_concentration(balances: Iterable[int], supply: int | None) -> Concentration:
    """Return the concentration of balances.

    Args:
        balances: Raw balances in any order; only those above 0 are of holders.
        supply: What top shares are percentages of, raw; None or 0 leaves them null.
    """
    ordered = sorted(balance for balance in balances if balance > 0)
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
    top_sums = list(accumulate(reversed(ordered)))
    whole = supply or 0

    def top_pct(count: int) -> float | None:
        return share_pct(top_sums[min(count, len(top_sums)) - 1], whole)

    return Concentration(
        holder_count=len(ordered),
        balance_sum_raw=str(top_sums[-1]),
        median_balance_raw=str(median(ordered)),
        gini=gini(ordered),
        hhi=hhi(ordered),
        nakamoto=next(k for k, top in enumerate(top_sums, 1) if 2 * top > top_sums[-1]),
        top_1_pct=top_pct(1),
        top_10_pct=top_pct(10),
        top_50_pct=top_pct(50),
        top_100_pct=top_pct(100),
        holders_above_one_pct=_count_above(ordered, whole, 1),
        holders_above_tenth_pct=_count_above(ordered, whole, 0.1),
    )


def gini(ordered: Sequence[int]) -> float:
    """Return the population Gini coefficient `2 sum(i x_i) / (n S) - (n + 1) / n`.

    Args:
        ordered: Ascending values above 0, at least one; i counts from 1, S is their sum.

    Returns:
        0 (all equal) to (n - 1) / n (one has it all), exact up to the final float.
    """
    count, total = len(ordered), sum(ordered)
    weighted: int = sum(map(mul, range(1, count + 1), ordered))
    return (2 * weighted - (count + 1) * total) / (count * total)


def hhi(values: Sequence[int]) -> float:
    """Return the Herfindahl-Hirschman index `sum((x / S)^2)`, 1/n to 1 (one has it all).

    Source: Rhoades (1993), Federal Reserve Bulletin 79. Exact up to the final float.
    """
    total = sum(values)
    squares: int = sum(map(mul, values, values))
    return squares / (total * total)


def _count_above(ordered: Sequence[int], whole: int, pct: float) -> int | None:
    if whole == 0:
        return None
    cut = least_amount(whole, pct)
    return sum(1 for value in ordered if value >= cut)
