"""Contract of `analyze_nft_movements`: how a collection moves, which sales may be wash trades."""

from typing import Annotated, Self

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from common.actions.contract import Action, ActionPayload
from common.actions.thresholds import resolve_thresholds
from common.addresses import EvmAddress
from common.errors import PayloadError
from common.models import CamelModel, Number
from common.results.nft_movements import NftMovementAnalysis

UINT256_MAX = 2**256 - 1


def _token_id(value: object) -> object:
    digits = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(digits, str) or not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"expected a token id in decimal digits, got {str(value)[:80]!r}")
    if len(digits) > 100 or int(digits) > UINT256_MAX:
        raise ValueError("a token id has at most 256 bits")
    return str(int(digits))


TokenIdText = Annotated[str, BeforeValidator(_token_id)]
"""A uint256 as a decimal string; a JSON number is accepted too."""


class NftThresholds(CamelModel):
    """From where on something in a collection's life is marked, flagged or alerted."""

    model_config = ConfigDict(allow_inf_nan=False)

    wash_score: float = Field(
        default=0.5, gt=0, le=1, description="a sale of this score is counted as a wash trade"
    )
    wash_score_high: float = Field(
        default=0.8, gt=0, le=1, description="from this score on its severity is high"
    )
    cycle_days: float = Field(
        default=30, gt=0, le=3650, description="longest time in which a token's cycle closes"
    )
    fast_cycle_hours: float = Field(
        default=24, gt=0, le=87_600, description="a cycle closed within this weighs more"
    )
    repeated_trades: int = Field(
        default=3, ge=2, le=1_000_000, description="buys or sells of one token by one wallet"
    )
    ring_margin_pct: float = Field(
        default=1,
        ge=0,
        lt=100,
        description="largest difference between what a wallet of a ring got and paid",
    )
    price_anomaly_high_ratio: float = Field(
        default=100, gt=1, le=1e9, description="a price above this many floors is an anomaly"
    )
    price_anomaly_low_ratio: float = Field(
        default=0.01, ge=0, lt=1, description="a price of at most this part of the floor is one"
    )
    floor_min_sales: int = Field(
        default=5, ge=1, le=1_000_000, description="honest sales that a floor estimate needs"
    )
    rapid_flip_hours: float = Field(
        default=24, gt=0, le=87_600, description="a resale within this is a rapid flip"
    )
    instant_flip_hours: float = Field(
        default=1, gt=0, le=87_600, description="a resale within this is an instant flip"
    )
    sweep_transaction_tokens: int = Field(
        default=5, ge=2, le=1_000_000, description="tokens bought by one wallet in a transaction"
    )
    sweep_tokens: int = Field(
        default=10, ge=2, le=1_000_000, description="tokens bought by one wallet in sweepMinutes"
    )
    sweep_minutes: float = Field(default=10, gt=0, le=100_000)
    dump_tokens: int = Field(
        default=5, ge=1, le=1_000_000, description="tokens sold by one wallet within dumpHours"
    )
    dump_holding_pct: float = Field(
        default=25, gt=0, le=100, description="of what the wallet held, sold within dumpHours"
    )
    dump_hours: float = Field(default=24, gt=0, le=87_600)
    mint_burst_mints: int = Field(
        default=50, ge=1, le=1_000_000, description="more mints than this in a block are a burst"
    )
    mint_burst_minters: int = Field(
        default=3, ge=1, le=1_000_000, description="if at most so many wallets received them"
    )
    activity_spike_pct: float = Field(
        default=200, gt=0, le=1e9, description="more transfers than the median bucket, in percent"
    )
    activity_drop_pct: float = Field(
        default=80, gt=0, le=100, description="fewer transfers than the median bucket, in percent"
    )
    activity_z_score: float = Field(
        default=3.5, gt=0, le=1e6, description="robust z that a spike, drop or burst needs as well"
    )
    activity_min_transfers: int = Field(
        default=10, ge=1, le=1_000_000, description="buckets with fewer are no spike or burst"
    )
    holder_concentration_pct: float = Field(
        default=10, gt=0, le=100, description="of supply, held by one wallet"
    )


class NftMovementOptions(CamelModel):
    """What to look at and report.

    Without `fromBlock` and `days` the window holds the newest `transferLimit` transfer events up to
    the pinned block. With one of them it is that range, still cut to the newest `transferLimit`
    events, and the result is marked partial when that left something out.
    """

    from_block: int | None = Field(default=None, ge=0, description="first block of the window")
    to_block: int | None = Field(
        default=None, ge=0, description="last block; the run's pinned block when absent"
    )
    days: float | None = Field(
        default=None, gt=0, le=36_500, description="length of the window; instead of fromBlock"
    )
    transfer_limit: int = Field(
        default=5_000,
        ge=1,
        le=1_000_000,
        description="newest transfer events to analyse, rounded up to whole blocks",
    )
    token_ids: list[TokenIdText] | None = Field(
        default=None, min_length=1, max_length=500, description="only these tokens"
    )
    funder_wallets: int = Field(
        default=100,
        ge=0,
        le=1_000,
        description="wallets of suspicious sales whose first funder is searched; 0 for none",
    )
    include_alerts: bool = True
    thresholds: dict[str, Number] = Field(
        default={}, description="camelCase names of NftThresholds", examples=[{}]
    )

    @field_validator("thresholds")
    @classmethod
    def _known_and_sensible(cls, thresholds: dict[str, Number]) -> dict[str, Number]:
        try:
            resolve_thresholds(NftThresholds, {}, thresholds)
        except PayloadError as error:
            raise ValueError(str(error)) from error
        return thresholds

    @model_validator(mode="after")
    def _one_window(self) -> Self:
        if self.from_block is not None and self.days is not None:
            raise ValueError("fromBlock and days both say where the window starts: give one")
        first, last = self.from_block, self.to_block
        if last is not None and first is None and self.days is None:
            raise ValueError("toBlock needs fromBlock or days: say where the window starts too")
        if first is not None and last is not None and first > last:
            raise ValueError(f"fromBlock {first} is above toBlock {last}")
        return self


class NftMovementPayload(ActionPayload):
    """Which collection to analyse."""

    collection_address: EvmAddress
    options: NftMovementOptions = NftMovementOptions()


ANALYZE_NFT_MOVEMENTS = Action(
    name="analyze_nft_movements",
    title="NFT movements",
    description="How a collection moves, and which of its sales look like wash trading.",
    service="nft-worker",
    thresholds=NftThresholds,
    payload=NftMovementPayload,
    result=NftMovementAnalysis,
    results_collection="nft_movement_analyses",
    default_interval_minutes=60,
    timeout_seconds=600,
    example={"collectionAddress": "0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d"},
)
