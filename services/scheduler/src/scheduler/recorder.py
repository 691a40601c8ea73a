"""Applies outcomes to runs and jobs, in bulk."""

import logging
from collections.abc import Iterable
from typing import Any, Literal

from opentelemetry.trace import SpanKind
from prometheus_client import Counter
from pymongo.asynchronous.database import AsyncDatabase
from redis.asyncio import Redis

from common.events import DeadLetter, RunCompleted, RunFailed
from common.streams import DEAD_STREAM, due_stream, to_entry
from common.telemetry import child_span, record_failure
from scheduler.backoff import Backoff
from scheduler.outcomes import Changes, OutcomeEvent, fold, translate

logger = logging.getLogger(__name__)

ENDED = Counter("jobs_ended_attempts_total", "Attempts that ended", ["action", "outcome"])
DEAD = Counter("jobs_dead_letters_total", "Runs given up", ["action", "reason"])


class OutcomeRecorder:
    """The only writer of how runs went."""

    def __init__(
        self, database: AsyncDatabase[dict[str, Any]], redis: Redis, backoff: Backoff
    ) -> None:
        """Args as named."""
        self._runs = database["runs"]
        self._jobs = database["jobs"]
        self._redis = redis
        self._backoff = backoff

    async def record(self, events: Iterable[OutcomeEvent]) -> None:
        """Apply a batch of events; applying it again changes nothing.

        Raises:
            PyMongoError: MongoDB is away; nothing or a part was applied, the batch must be given
                again.
            RedisError: Dead letters could not be written; likewise.
        """
        outcomes = fold(events)
        failed = [each.run_id for each in outcomes if isinstance(each.end, RunFailed)]
        changes = translate(outcomes, await self._find_max_attempts(failed), self._backoff)
        await self._apply(changes)
        await self._bury(changes.exhausted)
        for outcome in outcomes:
            if outcome.end is not None:
                _trace(outcome.end)

    async def _find_max_attempts(self, run_ids: list[str]) -> dict[str, int]:
        if not run_ids:
            return {}
        found = self._runs.find({"_id": {"$in": run_ids}}, {"maxAttempts": 1})
        return {run["_id"]: run["maxAttempts"] async for run in found}

    async def _apply(self, changes: Changes) -> None:
        if changes.runs:
            await self._runs.bulk_write(changes.runs, ordered=False)
        if changes.jobs:
            await self._jobs.bulk_write(changes.jobs, ordered=False)

    async def _bury(self, exhausted: list[RunFailed]) -> None:
        for end in exhausted:
            reason: Literal["attempts_exhausted", "not_retryable"] = (
                "attempts_exhausted" if end.retryable else "not_retryable"
            )
            letter = DeadLetter(
                reason=reason,
                stream=due_stream(end.action),
                run_id=end.run_id,
                job_id=end.job_id,
                action=end.action,
                attempt=end.attempt,
                error=end.error,
                at=end.at,
            )
            await self._redis.xadd(DEAD_STREAM, to_entry(letter))
            DEAD.labels(end.action, reason).inc()


def _trace(end: RunCompleted | RunFailed) -> None:
    """End the run's trace with the span of its recording, and log it."""
    ENDED.labels(end.action, end.kind).inc()
    with child_span(
        f"record {end.action}",
        end.traceparent,
        SpanKind.CONSUMER,
        {"job.id": end.job_id, "job.run_id": end.run_id, "job.outcome": end.kind},
    ) as span:
        fields = {"run_id": end.run_id, "action": end.action, "attempt": end.attempt}
        if isinstance(end, RunFailed):
            record_failure(span, end.error.type, end.error.message)
            logger.warning("attempt failed", extra={**fields, "reason": end.error.message})
        else:
            logger.info("run completed", extra=fields)
