"""What `analyze_nft_movements` finds. Prices are raw amounts in the currency's smallest unit."""

from typing import Literal

from pydantic import Field

from common.models import CamelModel, RawAmount, UtcDatetime
from common.results.alerts import Alert, Severity
from common.results.envelope import ActionResult

CollectionStandard = Literal["erc721", "erc1155", "cryptopunks"]

MovementKind = Literal["mint", "burn", "sale", "transfer", "self"]
"""Mint: from the zero address. Burn: to it or to 0x...dead. Self: to the sender, unpaid."""

PriceSource = Literal["event", "tx_value", "erc20_legs", "none"]
"""A marketplace's event; without one the native value sent by the buyer, or what the buyer paid in
one token; none: paid in two currencies."""

WashRule = Literal[
    "self_trade",
    "closed_cycle",
    "swap_back",
    "token_ring",
    "repeated_trades",
    "common_funder",
    "flash_loan",
    "price_anomaly",
]
PatternType = Literal[
    "self_trade",
    "closed_cycle",
    "swap_back",
    "token_ring",
    "repeated_buys",
    "repeated_sells",
    "common_funder",
    "flash_loan",
    "circular_transfer",
    "price_anomaly",
    "rapid_flip",
    "sweep",
    "dump",
    "mint_burst",
]


class NftCollectionFacts(CamelModel):
    """What the collection says about itself at the pinned block."""

    address: str
    standard: CollectionStandard
    name: str | None
    symbol: str | None
    total_supply_raw: RawAmount | None = Field(
        description="totalSupply(), or minted - burned when the whole history was read"
    )
    enumerable: bool
    is_proxy: bool = Field(description="the code is a known proxy: it may change its behaviour")


class CurrencyVolume(CamelModel):
    """Sales in one currency, those that look like wash trades counted apart."""

    currency: str = Field(description='"native" or the token\'s address')
    symbol: str | None
    decimals: int | None
    sale_count: int
    amount_raw: RawAmount = Field(description="all sales: honest + wash")
    amount: str | None = Field(description="exact decimal number, as below; null without decimals")
    honest_amount_raw: RawAmount
    honest_amount: str | None
    wash_sale_count: int
    wash_amount_raw: RawAmount
    wash_amount: str | None
    wash_pct: float | None = Field(description="wash volume in percent of the volume")


class NftMovementSummary(CamelModel):
    """Counts over the window; one log may move several tokens, each counts."""

    transfer_count: int = Field(description="movements of all kinds")
    sale_count: int
    wash_sale_count: int = Field(description="sales with a wash score from the cut on")
    unpriced_sale_count: int = Field(description="paid in two currencies: no single price")
    mint_count: int
    burn_count: int
    self_transfer_count: int = Field(description="to the sender, unpaid")
    unique_senders: int = Field(description="without the zero address")
    unique_receivers: int = Field(description="without the zero and the dead address")
    unique_tokens: int
    volume_by_currency: list[CurrencyVolume] = Field(description="most sales first")
    wash_sale_pct: float | None = Field(description="wash sales in percent, of all currencies")
    wash_volume_pct: float | None = Field(
        description="wash volume in percent, in the currency with the most sales"
    )


class NftMovement(CamelModel):
    """One token, or some units of an edition, changing hands in one log."""

    kind: MovementKind
    token_id: str
    sender: str
    recipient: str
    operator: str | None = Field(description="who moved it (ERC-1155 only)")
    amount_raw: RawAmount
    transaction_hash: str
    log_index: int
    batch_index: int = Field(description="position within a log that moves several ids")
    block_number: int
    timestamp: UtcDatetime


class WashVerdict(CamelModel):
    """How much a sale looks like a wash trade: 1 - product of (1 - weight) over its filters."""

    score: float
    flagged: bool = Field(description="score >= the washScore threshold: out of the honest figures")
    filters: list[WashRule]


class NftSale(CamelModel):
    """A movement that its recipient paid for."""

    token_id: str
    quantity_raw: RawAmount
    seller: str
    buyer: str
    marketplace: str | None = Field(description="null: told by the payment, not by an order")
    currency: str | None = Field(description='"native", a token\'s address, or null')
    price_raw: RawAmount | None = Field(description="for the whole quantity")
    price: str | None
    price_source: PriceSource
    price_estimated: bool = Field(
        description="a share of a bundle, or the payment was not seen to reach the seller"
    )
    is_bundle: bool
    transaction_hash: str
    log_index: int
    batch_index: int
    block_number: int
    timestamp: UtcDatetime
    wash: WashVerdict


class PriceStats(CamelModel):
    """Unit prices of the honest sales in one currency; percentiles by nearest rank."""

    currency: str = Field(description='"native" or the token\'s address')
    symbol: str | None
    decimals: int | None
    sale_count: int
    floor_p10_raw: RawAmount = Field(description="10th percentile, an estimate of the floor")
    floor_p10: str | None = Field(
        description="exact decimal number, as below; null without decimals"
    )
    median_raw: RawAmount
    median: str | None
    p90_raw: RawAmount
    p90: str | None
    max_raw: RawAmount
    max: str | None


class NftHolder(CamelModel):
    """Tokens (units of editions) held at the pinned block, of those that moved in the window."""

    address: str
    balance_raw: RawAmount
    supply_pct: float | None
    is_contract: bool


class NftHolders(CamelModel):
    """Who holds the tokens that moved in the window, as the contract tells at the pinned block."""

    count: int
    held_raw: RawAmount = Field(description="tokens with a holder, of those that moved")
    unknown_count: int = Field(description="balances that the contract did not tell")
    coverage: float | None = Field(description="held / total supply; null: supply unknown")
    coverage_status: Literal["complete", "partial", "unknown"]
    gini: float | None = Field(description="0 all equal .. 1 one holds all, of these holders")
    top_10_pct: float | None = Field(description="of the total supply, else of what is held")
    top: list[NftHolder]


class HoldTime(CamelModel):
    """How long wallets kept a token between getting it and passing it on, wash trades left out.

    Stays in a contract that gave the token back to its owner do not end a holding.
    """

    count: int
    median_s: float | None
    p90_s: float | None
    open_positions: int = Field(description="tokens still held: their time is not counted")


class PathHop(CamelModel):
    """A token going from one holder to the next; contracts that only passed it on are left out."""

    kind: MovementKind
    sender: str
    recipient: str
    transaction_hash: str
    log_index: int
    timestamp: UtcDatetime
    currency: str | None
    price_raw: RawAmount | None


class NftTokenPath(CamelModel):
    """The way of one ERC-721 token through the window, newest hops."""

    token_id: str
    hops: list[PathHop]
    hops_total: int
    cycles: int = Field(description="returns to an earlier wallet within the cycle time")


class TokenTrading(CamelModel):
    """Who traded one ERC-721 token with whom in the window, in either direction."""

    token_id: str
    sale_count: int
    wash_sale_count: int
    wallet_count: int = Field(description="wallets that bought or sold it")
    pair_count: int = Field(description="different pairs of wallets")
    top_pair: list[str] = Field(description="the two wallets with most sales between them, sorted")
    top_pair_sales: int
    top_pair_pct: float = Field(description="of the token's sales: how far one pair dominates it")


class SuspiciousPattern(CamelModel):
    """Something that deserves a look, with all that is needed to check it."""

    type: PatternType
    severity: Severity
    addresses: list[str]
    addresses_total: int
    token_ids: list[str]
    token_ids_total: int
    transaction_hashes: list[str] = Field(description="oldest first")
    transactions_total: int
    score: float = Field(
        description="highest wash score of the sales involved; 0 when no wash rule fired"
    )
    rules: list[WashRule] = Field(description="wash rules that fired for these sales")
    explanation: str
    first_seen: UtcDatetime
    last_seen: UtcDatetime


class WalletCluster(CamelModel):
    """Wallets connected by flagged sales."""

    addresses: list[str]
    addresses_total: int
    token_ids: list[str]
    token_ids_total: int
    sale_count: int
    reason: str


class NftActivityBucket(CamelModel):
    """A span of time and how it compares with the median of the complete buckets before it."""

    bucket_start: UtcDatetime
    complete: bool = Field(description="false where the window begins or ends inside it")
    transfers: int = Field(description="movements of all kinds")
    sales: int
    wash_sales: int
    mints: int
    burns: int
    active_addresses: int
    pct_vs_baseline: float | None = Field(description="null: no baseline, or its median is 0")
    z_score: float | None = Field(description="robust z; null: no baseline, or it never varies")


class NftMovementAnalysis(ActionResult):
    """How a collection moved. Lists are capped, `*_total` beside them counts all."""

    collection: NftCollectionFacts
    summary: NftMovementSummary
    transfers: list[NftMovement] = Field(description="newest first")
    transfers_total: int
    sales: list[NftSale] = Field(description="newest first")
    sales_total: int
    price_stats: list[PriceStats]
    holders: NftHolders
    hold_time: HoldTime
    token_paths: list[NftTokenPath] = Field(description="those with cycles first, then longest")
    token_paths_total: int
    token_trading: list[TokenTrading] = Field(description="most wash sales first, then most sales")
    suspicious_patterns: list[SuspiciousPattern] = Field(description="highest score first")
    suspicious_patterns_total: int
    wallet_clusters: list[WalletCluster]
    wallet_clusters_total: int
    activity_bucket_seconds: int
    activity: list[NftActivityBucket] = Field(description="oldest first")
    filters_not_evaluated: list[str] = Field(
        description="known rules that need data which was not there; why is told in `warnings`"
    )
    alerts: list[Alert] | None = Field(description="null when the job asked for none")
