"""Contract of `analyze_coin_flows`: how a token moves, and what in it deserves an alert."""

from pydantic import ConfigDict, Field, field_validator

from common.actions.contract import Action, ActionPayload
from common.actions.thresholds import resolve_thresholds
from common.addresses import EvmAddress
from common.errors import PayloadError
from common.models import CamelModel, Number
from common.results.coin_flows import CoinFlowAnalysis

MAX_TRANSACTION_LIMIT = 1_000_000


class CoinFlowThresholds(CamelModel):
    """From when on something is large, a whale, a spike or suspicious.

    Percent of supply means percent of `totalSupply()` at the pinned block.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    large_transfer_amount: float | None = Field(
        default=None, gt=0, description="in tokens; when given it alone decides what is large"
    )
    large_transfer_supply_pct: float = Field(
        default=0.1, gt=0, le=100, description="a transfer of this much of the supply is large"
    )
    large_transfer_usd: float = Field(
        default=100_000.0, gt=0, le=1e15, description="so is one of this worth, if there is a price"
    )
    large_transfer_high_usd: float = Field(
        default=1_000_000.0, gt=0, le=1e15, description="worth from which on its alert is high"
    )
    whale_percentage: float = Field(
        default=1.0, gt=0, le=100, description="a holder of this much of the supply is a whale"
    )
    whale_movement_pct: float = Field(
        default=10.0, gt=0, le=100, description="of its balance, moved by a whale in one transfer"
    )
    whale_net_flow_supply_pct: float = Field(
        default=0.5, gt=0, le=100, description="of supply, gained or lost by a whale in the window"
    )
    activity_spike_pct: float = Field(
        default=200.0, gt=0, le=1e9, description="more transfers than the median bucket, in percent"
    )
    activity_drop_pct: float = Field(
        default=80.0, gt=0, le=100, description="fewer transfers than the median bucket, in percent"
    )
    volume_spike_pct: float = Field(
        default=300.0, gt=0, le=1e9, description="more volume than the median bucket, in percent"
    )
    activity_z_score: float = Field(
        default=3.5, gt=0, le=1e6, description="robust z that a spike or drop must reach as well"
    )
    activity_min_transfers: int = Field(
        default=10, ge=1, le=1_000_000, description="buckets with fewer transfers are no spikes"
    )
    concentration_top_10_pct: float = Field(
        default=50.0, gt=0, le=100, description="more of supply than this with the top ten holders"
    )
    concentration_nakamoto: int = Field(
        default=3, ge=0, le=1_000_000, description="so many holders or fewer have the majority"
    )
    concentration_hhi: float = Field(
        default=0.25, gt=0, le=1, description="Herfindahl-Hirschman index above this"
    )
    mint_supply_pct: float = Field(
        default=1.0, gt=0, le=1e9, description="of supply, minted in the window"
    )
    burn_supply_pct: float = Field(
        default=1.0, gt=0, le=1e9, description="of supply, burned in the window"
    )
    exchange_net_supply_pct: float = Field(
        default=0.5, gt=0, le=100, description="of supply, net into or out of exchanges"
    )
    dormant_days: float = Field(
        default=365.0, gt=0, le=36_500, description="rest after which a transfer wakes supply"
    )
    dormant_supply_pct: float = Field(
        default=0.1, gt=0, le=100, description="of supply, woken by one transfer"
    )
    batch_recipients: int = Field(
        default=8, ge=2, le=1_000_000, description="recipients of one sender in one transaction"
    )
    batch_spam_recipients: int = Field(
        default=50, ge=2, le=1_000_000, description="more of them than this look like spam"
    )
    poisoning_zero_transfers: int = Field(
        default=3, ge=2, le=1_000_000, description="transfers of zero in one transaction"
    )
    poisoning_fake_transfers: int = Field(
        default=5, ge=2, le=1_000_000, description="transfers of a counterfeit in one transaction"
    )
    poisoning_dust_transfers: int = Field(
        default=10, ge=2, le=1_000_000, description="dust with look-alikes in one transaction"
    )
    circular_residual_pct: float = Field(
        default=1.0, ge=0, le=100, description="of the mean transfer, left over in a circle"
    )
    circular_min_transfers: int = Field(
        default=3, ge=2, le=1_000_000, description="transfers that a circle needs at least"
    )


class CoinFlowOptions(CamelModel):
    """How far to look back and what to report."""

    transaction_limit: int = Field(
        default=100,
        ge=1,
        description="newest transfer events to read, rounded up to whole blocks; 1,000,000 at most",
    )
    full_history: bool = Field(
        default=False,
        description="read all transfers; they are kept, so that later runs read new blocks only",
    )
    include_alerts: bool = True
    bucket_minutes: int = Field(
        default=60, ge=1, le=10_080, description="length of an activity bucket"
    )
    thresholds: dict[str, Number] = Field(
        default={}, description="camelCase names of CoinFlowThresholds", examples=[{}]
    )

    @field_validator("transaction_limit")
    @classmethod
    def _fits_one_run(cls, limit: int) -> int:
        if limit > MAX_TRANSACTION_LIMIT:
            raise ValueError(
                f"at most {MAX_TRANSACTION_LIMIT:,} transfers can be read in one run: set "
                "fullHistory to true, which reads older ones once and keeps them"
            )
        return limit

    @field_validator("thresholds")
    @classmethod
    def _known_and_sensible(cls, thresholds: dict[str, Number]) -> dict[str, Number]:
        try:
            resolve_thresholds(CoinFlowThresholds, {}, thresholds)
        except PayloadError as error:
            raise ValueError(str(error)) from error
        return thresholds


class CoinFlowPayload(ActionPayload):
    """Which token to analyse."""

    token_address: EvmAddress
    options: CoinFlowOptions = CoinFlowOptions()


ANALYZE_COIN_FLOWS = Action(
    name="analyze_coin_flows",
    title="Coin flows",
    description="How a token moves, who the whales are, and what deserves an alert.",
    service="token-worker",
    thresholds=CoinFlowThresholds,
    payload=CoinFlowPayload,
    result=CoinFlowAnalysis,
    results_collection="coin_flow_analyses",
    default_interval_minutes=30,
    timeout_seconds=600,
    example={
        "tokenAddress": "0x7fa7677c6708f0cd07724d61bfdc6be6bb15d2e7",
        "options": {"transactionLimit": 100, "includeAlerts": True},
    },
)
