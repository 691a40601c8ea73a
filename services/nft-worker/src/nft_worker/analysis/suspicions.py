"""All rules over one window: findings, the verdict on each sale, and what could not be judged."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from common.actions.analyze_nft_movements import NftThresholds
from common.results.envelope import Reason
from nft_worker.analysis.activity import Buckets
from nft_worker.analysis.arrays import Mask
from nft_worker.analysis.findings import LIST_CAP, Finding
from nft_worker.analysis.holders import holdings_over_time
from nft_worker.analysis.rules.cycles import Cycle
from nft_worker.analysis.rules.dumps import find_dumps
from nft_worker.analysis.rules.flips import find_rapid_flips
from nft_worker.analysis.rules.mint_bursts import (
    find_mint_bursts_in_blocks,
    find_mint_bursts_in_time,
)
from nft_worker.analysis.rules.sweeps import find_sweeps
from nft_worker.analysis.sale_masks import (
    foremost_resales,
    frequent_sellers,
    of_bursts,
    resales,
)
from nft_worker.analysis.sale_table import Sales
from nft_worker.analysis.scoring import Verdict, flagged_sales
from nft_worker.analysis.trading import Trading
from nft_worker.analysis.wash_trades import Judged
from nft_worker.analysis.wording import HOUR, MINUTE
from nft_worker.history import History
from nft_worker.models import Holdings, Position


@dataclass(frozen=True, slots=True)
class Suspicions:
    """What the rules found.

    Attributes:
        findings: Of all rules.
        cycles: Every return of a token to an earlier wallet.
        verdicts: By the position of each accused sale.
        flagged: Positions of the sales that count as wash trades.
        not_evaluated: Rules that lacked data: the code is the rule's name.
        untold: Number of further findings, which no list of LIST_CAP would show.
    """

    findings: tuple[Finding, ...]
    cycles: tuple[Cycle, ...]
    verdicts: dict[Position, Verdict]
    flagged: frozenset[Position]
    not_evaluated: tuple[Reason, ...]
    untold: int


def find_suspicions(
    history: History,
    trading: Trading,
    holdings: Holdings,
    buckets: Buckets,
    thresholds: NftThresholds,
    judged: Judged,
) -> Suspicions:
    """Return what every rule finds in a window.

    Flips, sweeps and dumps are those of honest sales; wash trades speak for themselves.
    """
    sales, from_block = trading.all_sales, history.window.from_block
    in_window, cycles, wash = trading.is_in_window, judged.cycles, judged.findings
    verdicts = judged.verdicts
    flagged = flagged_sales(verdicts, thresholds.wash_score)
    honest = ~sales.mask_of(flagged)
    dumps, unknown_dumps = _dumps(history, trading, holdings, honest & in_window, thresholds)
    flips, untold = _rapid_flips(trading, honest, sales.mask_of(verdicts), thresholds)
    others = [
        *flips,
        *_sweeps(sales, honest & in_window, thresholds),
        *dumps,
        *_mint_bursts(history, trading, buckets, thresholds),
    ]
    not_evaluated = judged.not_evaluated
    if unknown_dumps:
        detail = f"{unknown_dumps} runs of sales by wallets whose holding at the time is not known"
        not_evaluated += (Reason(code="dump", detail=detail),)
    return Suspicions(
        findings=tuple(
            finding for finding in (*wash, *others) if finding.places[-1].block_number >= from_block
        ),
        cycles=tuple(cycle for cycle in cycles if cycle.hops[-1].block_number >= from_block),
        verdicts=verdicts,
        flagged=frozenset(at for at in flagged if at[0] >= from_block),
        not_evaluated=not_evaluated,
        untold=untold,
    )


def _rapid_flips(
    trading: Trading, honest: Mask, suspected: Mask, thresholds: NftThresholds
) -> tuple[list[Finding], int]:
    sales = trading.all_sales
    flip_seconds = thresholds.rapid_flip_hours * HOUR
    instant_seconds = thresholds.instant_flip_hours * HOUR
    found = resales(sales, honest, trading.first_sale, flip_seconds)
    bought, sold = foremost_resales(sales, found, suspected, instant_seconds, LIST_CAP)
    flips = find_rapid_flips(
        zip(sales.pick(bought), sales.pick(sold), strict=True),
        rapid_seconds=flip_seconds,
        instant_seconds=instant_seconds,
    )
    return flips, len(found.sold) - len(sold)


def _sweeps(sales: Sales, among: Mask, thresholds: NftThresholds) -> list[Finding]:
    seconds = thresholds.sweep_minutes * MINUTE
    bursts = (
        (thresholds.sweep_transaction_tokens, 0.0),
        (thresholds.sweep_tokens, seconds),
    )
    return find_sweeps(
        sales.pick(of_bursts(sales, among, sales.buyer, bursts)),
        least_in_transaction=thresholds.sweep_transaction_tokens,
        least_in_time=thresholds.sweep_tokens,
        seconds=seconds,
    )


def _dumps(
    history: History,
    trading: Trading,
    holdings: Holdings,
    honest: Mask,
    thresholds: NftThresholds,
) -> tuple[list[Finding], int]:
    seconds = thresholds.dump_hours * HOUR
    sales = trading.all_sales
    candidates = of_bursts(sales, honest, sales.seller, [(thresholds.dump_tokens, seconds)])
    sellers = frequent_sellers(sales, candidates, thresholds.dump_tokens)
    logged, is_seller = trading.logged, trading.logged.accounts.mask_of(sellers)
    held_before = holdings_over_time(
        logged.pick(is_seller[logged.sender] | is_seller[logged.recipient]),
        holdings.seller_balances,
        sellers,
        reaches_origin=history.reaches_origin,
    )
    return find_dumps(
        sales.pick(candidates),
        held_before,
        least=thresholds.dump_tokens,
        least_pct=thresholds.dump_holding_pct,
        seconds=seconds,
    )


def _mint_bursts(
    history: History, trading: Trading, buckets: Buckets, thresholds: NftThresholds
) -> list[Finding]:
    logged = trading.logged
    is_new_mint = logged.is_mint & (logged.block >= history.window.from_block)
    mints, times = logged.pick(is_new_mint), logged.times(is_new_mint)
    in_blocks = find_mint_bursts_in_blocks(
        mints,
        times,
        above=thresholds.mint_burst_mints,
        most_minters=thresholds.mint_burst_minters,
    )
    in_time = find_mint_bursts_in_time(
        mints,
        times,
        buckets,
        least=thresholds.activity_min_transfers,
        least_z_score=thresholds.activity_z_score,
        known=in_blocks,
    )
    return in_blocks + in_time


def cycles_by_token(cycles: Sequence[Cycle]) -> Counter[int]:
    """Return the number of cycles of each token."""
    return Counter(cycle.token_id for cycle in cycles)
