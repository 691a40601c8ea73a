"""Contract of `analyze_nft_movements`: how a collection moves, which sales may be wash trades."""

from common.actions.contract import Action, ActionPayload
from common.actions.envelope import ActionResult
from common.addresses import EvmAddress
from common.models import CamelModel


class NftMovementOptions(CamelModel):
    """What to look at and report."""

    include_alerts: bool = True
    thresholds: dict[str, float] = {}


class NftMovementPayload(ActionPayload):
    """Which collection to analyse."""

    collection_address: EvmAddress
    options: NftMovementOptions = NftMovementOptions()


class NftMovementAnalysis(ActionResult):
    """How a collection moved."""


ANALYZE_NFT_MOVEMENTS = Action(
    name="analyze_nft_movements",
    title="NFT movements",
    description="How a collection moves, and which of its sales look like wash trading.",
    service="nft-worker",
    payload=NftMovementPayload,
    result=NftMovementAnalysis,
    results_collection="nft_movement_analyses",
    default_interval_minutes=60,
    timeout_seconds=600,
    example={"collectionAddress": "0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d"},
)
