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
from nft_worker.analysis.prices import floors_of_suspects
from nft_worker.analysis.rules.cycles import Cycle, accuse_cycles, find_cycles
from nft_worker.analysis.rules.dumps import find_dumps
from nft_worker.analysis.rules.flips import find_rapid_flips
from nft_worker.analysis.rules.mint_bursts import (
    find_mint_bursts_in_blocks,
    find_mint_bursts_in_time,
)
from nft_worker.analysis.rules.price_anomalies import find_price_anomalies
from nft_worker.analysis.rules.repeated_trades import find_repeated_trades
from nft_worker.analysis.rules.self_trades import find_self_trades
from nft_worker.analysis.rules.swap_backs import find_swap_backs
from nft_worker.analysis.rules.sweeps import find_sweeps
from nft_worker.analysis.rules.token_rings import WINDOWS_SECONDS, find_token_rings
from nft_worker.analysis.sale_masks import (
    around,
    foremost_resales,
    frequent_sellers,
    of_bursts,
    repeated,
    resales,
    swapped_back,
)
from nft_worker.analysis.sale_table import Sales
from nft_worker.analysis.scoring import Verdict, flagged_sales, wash_verdicts
from nft_worker.analysis.trading import Trading
from nft_worker.history import History
from nft_worker.models import Holdings, Position

MINUTE = 60
HOUR = 3_600
DAY = 86_400

NEEDS_TRACES = (
    Reason(
        code="common_funder",
        detail="who first funded a wallet is known from traces only, which were not read",
    ),
    Reason(
        code="flash_loan",
        detail="a loan within one transaction is told by its traces, which were not read",
    ),
)


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
) -> Suspicions:
    """Return what every rule finds in a window.

    The price rule is the last of the wash rules: its floor is that of the sales that no other one
    flags. Flips, sweeps and dumps are those of honest sales; wash trades speak for themselves.
    """
    sales, from_block = trading.all_sales, history.window.from_block
    cycles, wash = _trading_findings(history, trading, thresholds)
    flagged = flagged_sales(wash_verdicts(wash), thresholds.wash_score)
    in_window = trading.is_in_window
    floors = floors_of_suspects(
        sales,
        in_window,
        sales.mask_of(flagged),
        least_sales=thresholds.floor_min_sales,
        high_ratio=thresholds.price_anomaly_high_ratio,
        low_ratio=thresholds.price_anomaly_low_ratio,
    )
    wash += find_price_anomalies(
        sales.pick(sales.mask_of(floors)),
        floors,
        high_ratio=thresholds.price_anomaly_high_ratio,
        low_ratio=thresholds.price_anomaly_low_ratio,
    )
    verdicts = wash_verdicts(wash)
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
    not_evaluated: tuple[Reason, ...] = NEEDS_TRACES
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


def _trading_findings(
    history: History, trading: Trading, thresholds: NftThresholds
) -> tuple[list[Cycle], list[Finding]]:
    sales = trading.all_sales
    returning = trading.paths.with_returns(thresholds.cycle_days * DAY)
    times = trading.logged.times(returning[trading.logged.token])
    cycles = find_cycles(
        trading.paths.of(returning),
        history.contracts,
        times,
        longest_seconds=thresholds.cycle_days * DAY,
    )
    return cycles, [
        *find_self_trades(sales.pick(sales.seller == sales.buyer)),
        *accuse_cycles(
            cycles,
            sales.of_tokens(returning),
            times,
            fast_seconds=thresholds.fast_cycle_hours * HOUR,
            longest_seconds=thresholds.cycle_days * DAY,
        ),
        *find_swap_backs(sales.pick(swapped_back(sales)), history.contracts),
        *find_token_rings(
            sales.pick(around(sales, max(WINDOWS_SECONDS))),
            history.contracts,
            margin_pct=thresholds.ring_margin_pct,
        ),
        *find_repeated_trades(
            sales.pick(repeated(sales, thresholds.repeated_trades)),
            history.contracts,
            least=thresholds.repeated_trades,
        ),
    ]


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
