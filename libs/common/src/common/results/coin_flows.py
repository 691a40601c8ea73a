"""What `analyze_coin_flows` finds. Raw amounts are in the token's smallest unit."""

from typing import Literal

from pydantic import Field

from common.models import CamelModel, RawAmount, UtcDatetime
from common.results.alerts import Alert
from common.results.envelope import ActionResult, Reason
from common.results.prices import TokenPrice

FlowType = Literal["transfer", "mint", "burn", "to_dead", "self"]
"""Mint: from the zero address. Burn: to it. `to_dead`: to 0x...dead, out of reach but in supply."""

Compliance = Literal["standard", "rebasing", "fee_on_transfer", "phony_events", "unknown"]
"""Whether balances change as Transfer events say; unknown where older balances are out of reach."""

Behaviour = Literal["accumulating", "distributing", "passive"]


class TokenFacts(CamelModel):
    """What the token says about itself at the pinned block."""

    address: str
    name: str | None
    symbol: str | None
    decimals: int | None
    metadata_status: Literal["ok", "bytes32", "missing", "invalid"]
    is_proxy: bool = Field(default=False, description="ERC-1967: its code may be exchanged")
    implementation: str | None = Field(default=None, description="the code that runs behind it")
    total_supply_raw: RawAmount | None
    total_supply: str | None = Field(description="exact decimal number; null without decimals")
    compliance: Compliance = "unknown"
    compliance_checked: int = Field(default=0, description="addresses whose balances were compared")
    compliance_mismatches: int = Field(default=0, description="of them, with another balance")
    price: TokenPrice | None = Field(
        default=None, description="at the pinned block; null where no feed is known or none answers"
    )
    counterfeit: Reason | None = Field(
        default=None, description="why it seems to imitate a well-known token; null where nothing"
    )


class FlowSummary(CamelModel):
    """Counts and sums over all transfers of the window."""

    transfer_count: int
    transaction_count: int
    unique_senders: int = Field(description="distinct senders, the zero address included")
    unique_receivers: int = Field(description="distinct receivers, the zero address included")
    active_addresses: int = Field(description="senders or receivers without the zero address")
    new_addresses: int | None = Field(
        description="first seen since the previous report, or ever; null where older history was "
        "not read"
    )
    volume_raw: RawAmount
    volume_ex_mint_burn_raw: RawAmount
    mint_count: int
    minted_raw: RawAmount
    burn_count: int
    burned_raw: RawAmount
    net_supply_change_raw: RawAmount = Field(description="minted - burned")
    sent_to_dead_raw: RawAmount = Field(description="to 0x...dead: in supply and out of reach")
    zero_value_count: int = Field(description="transfers of nothing, which anybody can cause")
    self_transfer_count: int
    velocity: float | None = Field(description="volume without mint and burn / total supply")


class SizeBin(CamelModel):
    """Transfers with lower <= amount < upper; the first bin holds the zero amounts."""

    lower_raw: RawAmount
    upper_raw: RawAmount
    count: int
    volume_raw: RawAmount


class SizeDistribution(CamelModel):
    """Sizes of all transfers of the window, exact; all null when there are none."""

    mean_raw: RawAmount | None = Field(description="rounded down")
    median_raw: RawAmount | None = Field(description="mean of the two middle ones, rounded down")
    p90_raw: RawAmount | None = Field(description="nearest rank: least size with 90 % at or below")
    p95_raw: RawAmount | None
    p99_raw: RawAmount | None
    max_raw: RawAmount | None
    histogram: list[SizeBin] = Field(description="bins of powers of ten, without empty ones")


class Concentration(CamelModel):
    """How unevenly balances are spread over the addresses that hold any.

    Gini, HHI and Nakamoto are relative to the observed balances, top shares and the counts of large
    holders to the whole supply (without the addresses left out). Null where nothing is held.
    """

    holder_count: int
    balance_sum_raw: RawAmount
    median_balance_raw: RawAmount | None
    gini: float | None = Field(description="0 all equal .. 1 one holds all (population Gini)")
    hhi: float | None = Field(description="sum of squared shares, 0..1; 1 is one holder")
    nakamoto: int | None = Field(description="least number of holders with more than half")
    top_1_pct: float | None
    top_10_pct: float | None
    top_50_pct: float | None
    top_100_pct: float | None
    holders_above_one_pct: int | None = Field(description="holders of at least 1 % of the supply")
    holders_above_tenth_pct: int | None = Field(description="holders of at least 0.1 %")


class Holder(CamelModel):
    """A balance at the pinned block."""

    address: str
    balance_raw: RawAmount
    supply_pct: float | None
    is_contract: bool | None = Field(default=None, description="null when not looked up")
    label: str | None = Field(default=None, description="who owns it, where that is known")


class ExcludedHolder(CamelModel):
    """An address that the adjusted figures leave out."""

    address: str
    reason: Literal["zero_address", "dead_address", "token_contract", "exchange", "bridge", "pool"]
    balance_raw: RawAmount
    supply_pct: float | None


class HolderDistribution(Concentration):
    """Balances at the pinned block, as the token tells them, of the addresses in the window."""

    addresses_asked: int = Field(description="seen in the window, and those always left out below")
    unknown_count: int = Field(description="addresses whose balance the token did not tell")
    coverage: float | None = Field(description="observed balances / total supply")
    coverage_status: Literal["complete", "partial", "unknown"] = Field(
        description="complete from 0.999 on; partial is usual when older history was not read"
    )
    adjusted: Concentration = Field(description="without burn addresses and the token itself")
    excluded: list[ExcludedHolder]
    top: list[Holder] = Field(description="largest balance first")


class Whale(CamelModel):
    """A large holder, before or after the window, and what it did in it."""

    address: str
    is_contract: bool | None
    balance_raw: RawAmount
    supply_pct: float
    begin_balance_raw: RawAmount = Field(description="balance - net flow, at least 0")
    begin_supply_pct: float
    in_raw: RawAmount
    out_raw: RawAmount
    net_raw: RawAmount
    behaviour: Behaviour
    transfer_count: int


class LargeTransfer(CamelModel):
    """A transfer of at least the large transfer amount."""

    transaction_hash: str
    log_index: int
    block_number: int
    timestamp: UtcDatetime
    sender: str
    recipient: str
    amount_raw: RawAmount
    amount: str | None
    supply_pct: float | None
    usd_value: str | None = Field(
        default=None, description="by token.price, the one of the pinned block, not of the transfer"
    )
    flow_type: FlowType


class NetFlow(CamelModel):
    """What one address received and sent; a transfer to oneself is counted on both sides."""

    address: str
    in_raw: RawAmount
    out_raw: RawAmount
    net_raw: RawAmount
    in_count: int
    out_count: int


class ActivityBucket(CamelModel):
    """A span of time and how it compares with the median of the complete buckets before it."""

    bucket_start: UtcDatetime
    complete: bool = Field(description="false where the window begins or ends inside it")
    transfers: int
    volume_raw: RawAmount
    active_addresses: int
    pct_vs_baseline: float | None = Field(description="null: no baseline, or its median is 0")
    z_score: float | None = Field(description="robust z; null: no baseline, or it never varies")
    volume_pct_vs_baseline: float | None
    volume_z_score: float | None


class FlowEdge(CamelModel):
    """All transfers from one address to another one."""

    source: str
    target: str
    count: int
    amount_raw: RawAmount


class OtherEdges(CamelModel):
    """What the edges that are not listed carry together."""

    edge_count: int
    transfer_count: int
    amount_raw: RawAmount


class FlowGraph(CamelModel):
    """The widest flows, ready for a Sankey diagram; transfers to oneself are left out."""

    nodes: list[str]
    edges: list[FlowEdge]
    other: OtherEdges


class ExchangeFlow(CamelModel):
    """Transfers between one exchange and addresses of no exchange."""

    exchange: str
    inflow_raw: RawAmount
    outflow_raw: RawAmount
    net_raw: RawAmount
    inflow_count: int
    outflow_count: int


class ExchangeFlows(CamelModel):
    """Transfers into and out of labelled exchanges; those between exchanges are left out."""

    inflow_raw: RawAmount
    outflow_raw: RawAmount
    net_raw: RawAmount = Field(description="inflow - outflow")
    net_supply_pct: float | None = Field(description="net in percent of supply")
    by_exchange: list[ExchangeFlow]


class BatchDistribution(CamelModel):
    """One sender that served many recipients in one transaction."""

    transaction_hash: str
    block_number: int
    sender: str
    recipient_count: int
    transfer_count: int
    amount_raw: RawAmount


class PoisonedTransfer(CamelModel):
    """A worthless transfer that puts a look-alike of a real counterparty into a history."""

    transaction_hash: str
    log_index: int
    block_number: int
    victim: str
    look_alike: str
    imitates: str


class PhonyTransfer(CamelModel):
    """A transfer that left the balance of one of its ends as it was before the window."""

    transaction_hash: str
    log_index: int
    block_number: int
    sender: str
    recipient: str
    amount_raw: RawAmount
    unmoved: str = Field(description="the address whose balance its transfers did not change")


class WokenSupply(CamelModel):
    """The first transfer of an address after a long rest."""

    transaction_hash: str
    log_index: int
    block_number: int
    timestamp: UtcDatetime
    address: str
    amount_raw: RawAmount
    supply_pct: float | None
    rested_days: float


class Trend(CamelModel):
    """One figure of this report against the same figure of the previous one."""

    figure: str
    previous: str | float | None
    current: str | float | None
    change_pct: float | None = Field(description="null from 0 or where one of both is unknown")


class Trends(CamelModel):
    """This report against the previous one of the same job."""

    previous_block: int
    previous_timestamp: UtcDatetime
    comparable: bool = Field(description="false when the two looked back in different ways")
    figures: list[Trend]


class CircularFlow(CamelModel):
    """Transfers within a span of time that bring their tokens back to where they were."""

    addresses: list[str]
    contract_addresses: list[str] = Field(
        default=[], description="members with code: deposits to a vault and back look like circles"
    )
    transfer_count: int
    volume_raw: RawAmount
    net_residual_pct: float = Field(description="largest net position / mean transfer size")
    span: Literal["1h", "1d", "1w"]
    span_start: UtcDatetime = Field(description="all its transfers lie in this hour, day or week")
    transaction_hashes: list[str]


class CoinFlowAnalysis(ActionResult):
    """How a token moved. Lists are capped, `*_total` beside them counts all."""

    token: TokenFacts
    summary: FlowSummary
    size_distribution: SizeDistribution
    holders: HolderDistribution
    whales: list[Whale] = Field(
        description="whalePercentage of supply or more, at the start or the end; largest first"
    )
    whales_total: int
    large_transfers: list[LargeTransfer]
    large_transfers_total: int
    net_flows: list[NetFlow] = Field(description="largest first, in either direction")
    net_flows_total: int
    bucket_minutes: int
    activity: list[ActivityBucket] = Field(description="newest buckets, oldest first")
    activity_total: int
    circular_flows: list[CircularFlow] = Field(description="largest volume first")
    circular_flows_total: int
    exchange_flows: ExchangeFlows
    batch_distributions: list[BatchDistribution]
    batch_distributions_total: int
    poisoned_transfers: list[PoisonedTransfer]
    poisoned_transfers_total: int
    phony_transfers: list[PhonyTransfer] = Field(
        default=[],
        description="of the addresses compared with balanceOf; they are in all other figures, too",
    )
    phony_transfers_total: int = 0
    woken_supply: list[WokenSupply] | None = Field(
        description="null where older history was not read: rests could be longer than they look"
    )
    trends: Trends | None = Field(description="null for the first report of a job")
    flow_graph: FlowGraph
    alerts: list[Alert] | None = Field(description="null when the job asked for none")
