"""The one function an action's worker supplies, and what it is given and gives back."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from common.actions.contract import ActionPayload
from common.results.alerts import Alert
from common.results.envelope import ActionResult

if TYPE_CHECKING:
    from pymongo.asynchronous.database import AsyncDatabase

    from common.chain.client import PinnedChain

PayloadT_contra = TypeVar("PayloadT_contra", bound=ActionPayload, contravariant=True)
ResultT_co = TypeVar("ResultT_co", bound=ActionResult, covariant=True)


@dataclass(frozen=True)
class Report(Generic[ResultT_co]):
    """What a handler found.

    Attributes:
        result: The document to store.
        alerts: Alerts to record, each once for ever.
        summary: A few figures for lists and events, at most 1 kB as JSON.
    """

    result: ResultT_co
    alerts: list[Alert] = field(default_factory=list)
    summary: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)


@dataclass(frozen=True)
class RunContext:
    """What a handler may use beside the payload.

    Attributes:
        run_id: `<job_id>:<due_at in ms>`.
        job_id: The job this run belongs to.
        pinned: The chain at the block that all reads of this run are pinned to.
        configured_thresholds: Thresholds set by configuration for this action; a payload's own
            thresholds win over them, both win over the model's defaults.
        report_progress: Tells in a few words what happens now; shown with the run.
        find_previous_result: The newest result of an earlier run of this job, as stored, or None.
        database: MongoDB, for what an action keeps between runs: an index of its own in
            collections that no other service writes. Whatever is kept must be repeatable: an
            attempt may be carried out again, or beside another one.
    """

    run_id: str
    job_id: str
    pinned: "PinnedChain"
    configured_thresholds: Mapping[str, float]
    report_progress: Callable[[str], Awaitable[None]]
    find_previous_result: Callable[[], Awaitable[dict[str, Any] | None]]
    database: "AsyncDatabase[dict[str, Any]]"


Handler = Callable[[PayloadT_contra, RunContext], Awaitable[Report[ResultT_co]]]
