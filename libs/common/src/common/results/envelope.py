"""The frame that every result shares: where it was read, how complete it is, what it cost."""

from typing import Literal

from pydantic import Field

from common.models import CamelModel, Number, UtcDatetime


class BlockReference(CamelModel):
    """The one block that every read of a run was pinned to."""

    number: int
    hash: str
    timestamp: UtcDatetime
    tag: str = Field(description="how it was chosen: finalized, a depth below latest, or a number")


class Window(CamelModel):
    """The blocks whose events were read, both ends included."""

    from_block: int
    to_block: int
    from_timestamp: UtcDatetime | None = None
    to_timestamp: UtcDatetime | None = None
    truncated: bool = Field(default=False, description="older history exists and was not read")


class Reason(CamelModel):
    """Why something is incomplete or noteworthy: a stable code and words for a person."""

    code: str
    detail: str


class Completeness(CamelModel):
    """Whether the result holds all that was asked for; `partial` always says why."""

    status: Literal["complete", "partial"] = "complete"
    reasons: list[Reason] = []


class ReadStats(CamelModel):
    """What reading the chain cost in this attempt."""

    rpc_calls: int = 0
    bytes_received: int = 0
    logs_fetched: int = 0
    range_splits: int = 0
    retries: int = 0
    failovers: int = 0
    duration_ms: int = 0


class ResultFrame(CamelModel):
    """Filled by the worker runtime, the same way for each action."""

    schema_version: int = 1
    chain_id: int
    block: BlockReference
    generated_at: UtcDatetime
    stats: ReadStats


class ActionResult(CamelModel):
    """What a handler returns and a result document holds beside its `ResultFrame`."""

    window: Window
    completeness: Completeness = Completeness()
    warnings: list[Reason] = []
    thresholds: dict[str, Number] = {}
