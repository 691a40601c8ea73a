"""All rules over one window: findings, the verdict on each sale, and what could not be judged."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.actions.analyze_nft_movements import NftThresholds
from common.results.envelope import Reason
from nft_worker.analysis.activity import Buckets
from nft_worker.analysis.findings import Finding
from nft_worker.analysis.holders import holdings_over_time
from nft_worker.analysis.paths import TokenPath
from nft_worker.analysis.prices import floors_before
from nft_worker.analysis.rules.cycles import Cycle, accuse_cycles, find_cycles
from nft_worker.analysis.rules.dumps import find_dumps, large_sellers
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
from nft_worker.analysis.scoring import Verdict, flagged_sales, wash_verdicts
from nft_worker.analysis.trading import Trading
from nft_worker.models import History, Holdings, Position, Sale

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
    """

    findings: tuple[Finding, ...]
    cycles: tuple[Cycle, ...]
    verdicts: dict[Position, Verdict]
    flagged: frozenset[Position]
    not_evaluated: tuple[Reason, ...]


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
    cycles, wash = _trading_findings(history, trading, thresholds)
    flagged = flagged_sales(wash_verdicts(wash), thresholds.wash_score)
    wash += find_price_anomalies(
        trading.sales,
        floors_before(trading.sales, flagged, least_sales=thresholds.floor_min_sales),
        high_ratio=thresholds.price_anomaly_high_ratio,
        low_ratio=thresholds.price_anomaly_low_ratio,
    )
    verdicts = wash_verdicts(wash)
    flagged = flagged_sales(verdicts, thresholds.wash_score)
    honest = [sale for sale in trading.sales if sale.position not in flagged]
    dumps, unknown_dumps = _dumps(history, trading, holdings, honest, thresholds)
    others = [
        *find_rapid_flips(
            honest,
            rapid_seconds=thresholds.rapid_flip_hours * HOUR,
            instant_seconds=thresholds.instant_flip_hours * HOUR,
        ),
        *find_sweeps(
            honest,
            least_in_transaction=thresholds.sweep_transaction_tokens,
            least_in_time=thresholds.sweep_tokens,
            seconds=thresholds.sweep_minutes * MINUTE,
        ),
        *dumps,
        *_mint_bursts(history, trading, buckets, thresholds),
    ]
    not_evaluated: tuple[Reason, ...] = NEEDS_TRACES
    if unknown_dumps:
        detail = f"{unknown_dumps} runs of sales by wallets whose holding at the time is not known"
        not_evaluated += (Reason(code="dump", detail=detail),)
    return Suspicions(
        findings=(*wash, *others),
        cycles=tuple(cycles),
        verdicts=verdicts,
        flagged=flagged,
        not_evaluated=not_evaluated,
    )


def _trading_findings(
    history: History, trading: Trading, thresholds: NftThresholds
) -> tuple[list[Cycle], list[Finding]]:
    cycles = find_cycles(
        trading.paths,
        history.contracts,
        history.timestamps,
        longest_seconds=thresholds.cycle_days * DAY,
    )
    return cycles, [
        *find_self_trades(trading.sales),
        *accuse_cycles(
            cycles,
            {sale.position: sale for sale in trading.sales},
            history.timestamps,
            fast_seconds=thresholds.fast_cycle_hours * HOUR,
            longest_seconds=thresholds.cycle_days * DAY,
        ),
        *find_swap_backs(trading.sales, history.contracts),
        *find_repeated_trades(trading.sales, history.contracts, least=thresholds.repeated_trades),
    ]


def _dumps(
    history: History,
    trading: Trading,
    holdings: Holdings,
    honest: Sequence[Sale],
    thresholds: NftThresholds,
) -> tuple[list[Finding], int]:
    held_before = holdings_over_time(
        trading.transfers,
        holdings.seller_balances,
        large_sellers(honest, least=thresholds.dump_tokens),
        reaches_origin=history.reaches_origin,
    )
    return find_dumps(
        honest,
        held_before,
        least=thresholds.dump_tokens,
        least_pct=thresholds.dump_holding_pct,
        seconds=thresholds.dump_hours * HOUR,
    )


def _mint_bursts(
    history: History, trading: Trading, buckets: Buckets, thresholds: NftThresholds
) -> list[Finding]:
    in_blocks = find_mint_bursts_in_blocks(
        trading.transfers,
        history.timestamps,
        above=thresholds.mint_burst_mints,
        most_minters=thresholds.mint_burst_minters,
    )
    in_time = find_mint_bursts_in_time(
        trading.transfers,
        history.timestamps,
        buckets,
        least=thresholds.activity_min_transfers,
        least_z_score=thresholds.activity_z_score,
        known=in_blocks,
    )
    return in_blocks + in_time


def cycles_by_token(cycles: Sequence[Cycle], paths: Sequence[TokenPath]) -> dict[int, int]:
    """Return the number of cycles of each token that has a path."""
    counts = {path.token_id: 0 for path in paths}
    for cycle in cycles:
        counts[cycle.token_id] += 1
    return counts
