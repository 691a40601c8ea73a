"""Contract of `analyze_coin_flows`: how a token moves, and what in it deserves an alert."""

from pydantic import Field

from common.actions.contract import Action, ActionPayload
from common.actions.envelope import ActionResult
from common.addresses import EvmAddress
from common.models import CamelModel


class CoinFlowOptions(CamelModel):
    """How far to look back and what to report."""

    transaction_limit: int = Field(default=100, ge=1, le=1_000_000)
    include_alerts: bool = True
    thresholds: dict[str, float] = {}


class CoinFlowPayload(ActionPayload):
    """Which token to analyse."""

    token_address: EvmAddress
    options: CoinFlowOptions = CoinFlowOptions()


class CoinFlowAnalysis(ActionResult):
    """How a token moved."""


ANALYZE_COIN_FLOWS = Action(
    name="analyze_coin_flows",
    title="Coin flows",
    description="How a token moves, who the whales are, and what deserves an alert.",
    service="token-worker",
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
