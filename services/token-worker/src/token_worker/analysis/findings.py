"""Everything computed in one run, before it is written down."""

from dataclasses import dataclass

from common.results.coin_flows import ExchangeFlows, FlowSummary, HolderDistribution, Whale
from token_worker.analysis.activity import Activity
from token_worker.analysis.circles import Circle
from token_worker.analysis.compliance import ComplianceCheck
from token_worker.analysis.dormancy import Waking
from token_worker.analysis.flows import AddressFlows
from token_worker.analysis.labels import ExchangeRows
from token_worker.analysis.patterns import Bait, Batch
from token_worker.analysis.table import TransferTable
from token_worker.analysis.whales import WhaleMovement
from token_worker.models import TokenFlowReading


@dataclass(frozen=True)
class Findings:
    """What the analyses found, each by its own module."""

    reading: TokenFlowReading
    table: TransferTable
    flows: AddressFlows
    summary: FlowSummary
    holders: HolderDistribution
    whales: list[Whale]
    movements: list[WhaleMovement]
    large_rows: list[int]
    activity: Activity
    circles: list[Circle]
    compliance: ComplianceCheck
    exchange_rows: ExchangeRows
    exchange_flows: ExchangeFlows
    batches: list[Batch]
    bait: list[Bait]
    zero_value_groups: list[tuple[int, ...]]
    woken: list[Waking] | None
