"""Everything computed in one run, before it is written down."""

from dataclasses import dataclass

from common.results.coin_flows import ExchangeFlows, FlowSummary, HolderDistribution, Whale
from token_worker.analysis.activity import Activity
from token_worker.analysis.circles import Circles
from token_worker.analysis.compliance import ComplianceCheck
from token_worker.analysis.dormancy import Waking
from token_worker.analysis.labels import ExchangeRows, ExchangeSums
from token_worker.analysis.patterns import Bait, Batch
from token_worker.analysis.poisoned import PoisonedTransaction
from token_worker.analysis.sums import Sums
from token_worker.analysis.table import TransferTable
from token_worker.analysis.whales import WhaleMovement
from token_worker.models import TokenFlowReading

LIST_CAP = 1_000
"""So many entries of a list are reported at most, and so many of old ones are kept for it."""


@dataclass(frozen=True)
class Candidates:
    """What counts now or may count for a later run, whose supply may be smaller.

    Attributes:
        supply_floor: Smallest supply for which these are all.
        wakings: The largest first.
        movements: In chain order.
    """

    supply_floor: int
    wakings: list[Waking]
    movements: list[WhaleMovement]


@dataclass(frozen=True)
class Findings:
    """What the analyses found, each by its own module.

    Rows are those of `table`, which of a long history holds what the reports can be about.
    """

    reading: TokenFlowReading
    table: TransferTable
    sums: Sums
    summary: FlowSummary
    holders: HolderDistribution
    whales: list[Whale]
    movements: list[WhaleMovement]
    top_rows: list[int]
    large_rows: list[int]
    large_total: int
    activity: Activity
    circles: Circles
    compliance: ComplianceCheck
    exchange_rows: ExchangeRows
    exchange_sums: ExchangeSums
    exchange_flows: ExchangeFlows
    batches: list[Batch]
    batches_total: int
    bait: list[Bait]
    bait_total: int
    zero_value_groups: list[PoisonedTransaction]
    fake_groups: list[PoisonedTransaction]
    woken: list[Waking] | None
    candidates: Candidates | None

    @property
    def period(self) -> str:
        """Over what the sums are, for a sentence."""
        return "within the window" if self.reading.truncated else "in the token's whole history"
