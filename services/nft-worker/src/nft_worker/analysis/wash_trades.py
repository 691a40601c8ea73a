"""The wash rules over one window: findings, and the verdict on each sale."""

from dataclasses import dataclass

from common.actions.analyze_nft_movements import NftThresholds
from common.chain.types import Address
from common.results.envelope import Reason
from nft_worker.analysis.findings import Finding
from nft_worker.analysis.prices import floors_of_suspects
from nft_worker.analysis.rules.common_funders import find_common_funders
from nft_worker.analysis.rules.cycles import Cycle, accuse_cycles, find_cycles
from nft_worker.analysis.rules.flash_loans import find_flash_loans
from nft_worker.analysis.rules.price_anomalies import find_price_anomalies
from nft_worker.analysis.rules.repeated_trades import find_repeated_trades
from nft_worker.analysis.rules.self_trades import find_self_trades
from nft_worker.analysis.rules.swap_backs import find_swap_backs
from nft_worker.analysis.rules.token_rings import WINDOWS_SECONDS, find_token_rings
from nft_worker.analysis.sale_masks import around, repeated, swapped_back
from nft_worker.analysis.sale_table import Sales
from nft_worker.analysis.scoring import Verdict, flagged_sales, wash_verdicts
from nft_worker.analysis.trading import Trading
from nft_worker.analysis.wording import DAY, HOUR
from nft_worker.history import History
from nft_worker.models import Fundings, Position, Sale


@dataclass(frozen=True, slots=True)
class WashTrades:
    """What the trades tell by themselves.

    Attributes:
        cycles: Every return of a token to an earlier wallet.
        findings: Of all wash rules but two: common funders, and prices, whose floor is that of the
            sales that no other rule flags.
    """

    cycles: tuple[Cycle, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What all wash rules find.

    Attributes:
        cycles: As in `WashTrades`.
        findings: Of all of them.
        verdicts: By the position of each accused sale.
        not_evaluated: Rules that lacked data: the code is the rule's name.
    """

    cycles: tuple[Cycle, ...]
    findings: tuple[Finding, ...]
    verdicts: dict[Position, Verdict]
    not_evaluated: tuple[Reason, ...]


def find_wash_trades(history: History, trading: Trading, thresholds: NftThresholds) -> WashTrades:
    """Return what the rules find that need nothing but the trades themselves."""
    sales = trading.all_sales
    returning = trading.paths.with_returns(thresholds.cycle_days * DAY)
    times = trading.logged.times(returning[trading.logged.token])
    cycles = find_cycles(
        trading.paths.of(returning),
        history.contracts,
        times,
        longest_seconds=thresholds.cycle_days * DAY,
    )
    findings = [
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
        *_flash_loans(history, sales),
    ]
    return WashTrades(tuple(cycles), tuple(findings))


def suspected_sales(trading: Trading, wash: WashTrades, thresholds: NftThresholds) -> list[Sale]:
    """Return the sales of the window that some rule accuses, common funders left out."""
    found = (*wash.findings, *_price_anomalies(trading, wash.findings, thresholds))
    accused = trading.all_sales.mask_of(wash_verdicts(found))
    return trading.all_sales.pick(accused & trading.is_in_window)


def accused_wallets(wash: WashTrades) -> set[Address]:
    """Return buyers and sellers of all accused sales: who they are decides what a rule means."""
    return {
        wallet
        for finding in wash.findings
        for sale, _ in finding.accused
        for wallet in (sale.seller, sale.buyer)
    }


def judge(
    trading: Trading, wash: WashTrades, fundings: Fundings, thresholds: NftThresholds
) -> Judged:
    """Return the verdict on each accused sale.

    Only sales that some other rule accuses are judged by the funders of their wallets: that
    two of a collection's traders once got coin from the same wallet means little by itself.
    """
    found = wash.findings
    if fundings.first:
        suspects = suspected_sales(trading, wash, thresholds)
        found = (*found, *find_common_funders(suspects, fundings.first))
    found = (*found, *_price_anomalies(trading, found, thresholds))
    not_evaluated: tuple[Reason, ...] = ()
    if fundings.not_evaluated is not None:
        not_evaluated = (Reason(code="common_funder", detail=fundings.not_evaluated),)
    return Judged(wash.cycles, found, wash_verdicts(found), not_evaluated)


def _price_anomalies(
    trading: Trading, others: tuple[Finding, ...], thresholds: NftThresholds
) -> list[Finding]:
    """Return prices far from the floor, which is that of the sales that `others` do not flag."""
    sales = trading.all_sales
    flagged = flagged_sales(wash_verdicts(others), thresholds.wash_score)
    floors = floors_of_suspects(
        sales,
        trading.is_in_window,
        sales.mask_of(flagged),
        least_sales=thresholds.floor_min_sales,
        high_ratio=thresholds.price_anomaly_high_ratio,
        low_ratio=thresholds.price_anomaly_low_ratio,
    )
    return find_price_anomalies(
        sales.pick(sales.mask_of(floors)),
        floors,
        high_ratio=thresholds.price_anomaly_high_ratio,
        low_ratio=thresholds.price_anomaly_low_ratio,
    )


def _flash_loans(history: History, sales: Sales) -> list[Finding]:
    lenders = {
        digest: payment.lender
        for digest, payment in history.transactions.items()
        if payment.lender is not None
    }
    if not lenders:
        return []
    return find_flash_loans(sales.pick(sales.of_transactions(lenders)), lenders)
