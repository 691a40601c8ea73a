"""Everything computed in one run, before it is written down."""

from dataclasses import dataclass

from common.results.coin_flows import FlowSummary, HolderDistribution, Whale
from token_worker.activity import Activity
from token_worker.circles import Circle
from token_worker.flows import AddressFlows
from token_worker.models import TokenFlowReading
from token_worker.table import TransferTable
from token_worker.whales import WhaleMovement


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
