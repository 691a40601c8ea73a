"""What an action is: the one description from which gateway, streams, workers and docs derive."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pydantic import Field, PositiveInt

from common.models import CamelModel
from common.results.envelope import ActionResult, ResultFrame


class ActionPayload(CamelModel):
    """Base of every payload: the chain may be named, else the configured default is used."""

    chain_id: PositiveInt | None = Field(
        default=None, description="EIP-155 chain id; DEFAULT_CHAIN_ID when absent", examples=[1]
    )

    def requested_block(self) -> int | None:
        """Return the block to read at, None for the newest final one."""
        return None


RESERVED_RESULT_FIELDS: Final = frozenset(
    {"_id", "jobId", "action", "attempt", "dueAt", "runSummary", "alertIds"}
    | {field.alias or name for name, field in ResultFrame.model_fields.items()}
)
"""What the worker runtime adds to every result document."""


class NoThresholds(CamelModel):
    """Thresholds of an action whose result depends on none."""


PayloadT = TypeVar("PayloadT", bound=ActionPayload)
ResultT = TypeVar("ResultT", bound=ActionResult)


@dataclass(frozen=True, kw_only=True)
class Action(Generic[PayloadT, ResultT]):
    """One kind of job.

    Attributes:
        name: snake_case noun or verb phrase; streams, groups and folders follow from it.
        title: A line for lists and docs.
        description: What it answers, in a sentence or two.
        service: Folder under `services/` of the worker that carries it out.
        payload: Model that validates a job's payload.
        result: Model of the stored result.
        results_collection: MongoDB collection that only this action's worker writes.
        default_interval_minutes: Interval suggested for a recurring job.
        timeout_seconds: Longest time one attempt may take unless the job says otherwise.
        example: A payload that is valid as it stands.
        thresholds: Model of its thresholds, each with a default and bounds; by default it has none.
    """

    name: str
    title: str
    description: str
    service: str
    payload: type[PayloadT]
    result: type[ResultT]
    results_collection: str
    default_interval_minutes: int
    timeout_seconds: int
    example: Mapping[str, Any]
    thresholds: type[CamelModel] = NoThresholds

    def __post_init__(self) -> None:
        self.payload.model_validate(self.example)  # a wrong example fails at import, not in docs
        own = {field.alias or name for name, field in self.result.model_fields.items()}
        if clash := sorted(own & RESERVED_RESULT_FIELDS):
            raise ValueError(f"result fields of {self.name} that the runtime writes: {clash}")
