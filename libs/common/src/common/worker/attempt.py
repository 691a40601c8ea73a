"""One attempt of a run: read and analyse at one block, store, and say how it ended."""

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from opentelemetry import trace
from pydantic import ValidationError

from common.actions import AnyAction
from common.actions.contract import ActionPayload
from common.actions.handler import Handler, RunContext
from common.chain.client import Chains, PinnedChain
from common.errors import JobError, PayloadError
from common.events import Failure, JobDue, RunCompleted, RunFailed
from common.models import from_millis, now_utc
from common.recorded import Recorded
from common.results.envelope import BlockReference, ReadStats, ResultFrame
from common.telemetry import current_traceparent, record_failure, tracer
from common.worker.results import ResultStore

logger = logging.getLogger(__name__)

MAX_MESSAGE = 2_000
MAX_TRACEBACK = 20_000

Progress = Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class AttemptRunner:
    """Everything an attempt needs beside its event."""

    action: AnyAction
    handler: Handler[Any, Any]
    chains: Chains
    results: ResultStore
    thresholds: Mapping[str, float]

    async def carry_out(self, due: JobDue, progress: Progress) -> RunCompleted | RunFailed:
        """Return how the attempt ended; only cancellation gets out as an exception.

        A run whose result an earlier attempt has stored is complete without reading anything.
        """
        started_at = now_utc()
        try:
            recorded = await self.results.find_recorded(due.run_id)
            if recorded is None:
                async with asyncio.timeout(due.timeout_seconds):
                    recorded = await self._execute(due, progress)
            return RunCompleted(
                **_identity(due),
                result_id=recorded.result_id,
                alerts_count=recorded.alerts_count,
                summary=recorded.summary,
                started_at=started_at,
                at=now_utc(),
            )
        except Exception as error:  # noqa: BLE001  # every failure becomes an outcome
            failure, retryable = _describe(error, due)
            record_failure(trace.get_current_span(), failure.type, failure.message)
            logger.warning(
                "attempt failed",
                extra={"error": failure.type, "reason": failure.message, "retryable": retryable},
            )
            return RunFailed(
                **_identity(due),
                error=failure,
                retryable=retryable,
                started_at=started_at,
                at=now_utc(),
            )

    async def _execute(self, due: JobDue, progress: Progress) -> Recorded:
        payload = self._payload(due)
        clock_start = time.monotonic()
        chain = await self.chains.get(due.chain_id)
        pinned = await chain.pin(payload.requested_block())
        context = RunContext(
            run_id=due.run_id,
            job_id=due.job_id,
            pinned=pinned,
            configured_thresholds=self.thresholds,
            report_progress=progress,
            find_previous_result=partial(self.results.find_previous, due),
            database=self.results.database,
        )
        report = await self.handler(payload, context)
        await pinned.confirm()
        elapsed_ms = int((time.monotonic() - clock_start) * 1000)
        with tracer.start_as_current_span("store result"):
            return await self.results.record(due, report, _frame(pinned, elapsed_ms))

    def _payload(self, due: JobDue) -> ActionPayload:
        try:
            payload: ActionPayload = self.action.payload.model_validate(due.payload)
        except ValidationError as error:
            raise PayloadError(f"payload of {due.action}: {error}") from error
        return payload


def shutdown_failure(due: JobDue) -> RunFailed:
    """Return the outcome of an attempt that a stopping worker could not finish in time."""
    error = Failure(type="WorkerShutdown", message="the worker was stopped during the attempt")
    return RunFailed(**_identity(due), error=error, retryable=True, started_at=None, at=now_utc())


def _identity(due: JobDue) -> dict[str, Any]:
    return {**due.identity(), "traceparent": current_traceparent() or due.traceparent}


def _frame(pinned: PinnedChain, elapsed_ms: int) -> ResultFrame:
    block, stats = pinned.block, pinned.stats
    return ResultFrame(
        chain_id=pinned.chain_id,
        block=BlockReference(
            number=block.number,
            hash=block.hash,
            timestamp=from_millis(block.timestamp * 1000),
            tag=block.tag,
        ),
        generated_at=now_utc(),
        stats=ReadStats(
            rpc_calls=stats.calls,
            bytes_received=stats.bytes,
            logs_fetched=stats.logs_fetched,
            range_splits=stats.range_splits,
            retries=stats.retries,
            failovers=stats.failovers,
            duration_ms=elapsed_ms,
        ),
    )


def _describe(error: Exception, due: JobDue) -> tuple[Failure, bool]:
    """Return what to tell of an error and whether another attempt makes sense.

    An unforeseen error is retried: it may be a passing fault of MongoDB or the machine, and the
    number of attempts is limited anyway.
    """
    message = str(error)
    if isinstance(error, TimeoutError) and not message:
        message = f"the attempt took longer than its timeout of {due.timeout_seconds} s"
    failure = Failure(
        type=type(error).__name__,
        message=message[:MAX_MESSAGE],
        traceback="".join(traceback.format_exception(error))[-MAX_TRACEBACK:],
    )
    return failure, error.retryable if isinstance(error, JobError) else True
