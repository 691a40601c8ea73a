"""Applies outcomes to runs and jobs, in bulk."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from bson import ObjectId
from opentelemetry.trace import SpanKind
from prometheus_client import Counter
from pymongo.asynchronous.database import AsyncDatabase
from redis.asyncio import Redis

from common.actions import AnyAction
from common.events import DeadLetter, RunEnd, RunFailed
from common.pauses import with_pauses
from common.recorded import find_recorded
from common.states import RunState
from common.streams import DEAD_STREAM, due_stream
from common.telemetry import child_span, record_failure
from scheduler.backoff import Backoff, RetryPolicy
from scheduler.bulk import to_writes, write_all
from scheduler.failure_pauses import FailurePauses
from scheduler.once import Addition, OnceAdder
from scheduler.outcomes import AttemptOutcome, Changes, OutcomeEvent, complete, fold, translate

logger = logging.getLogger(__name__)

BURIED_SECONDS = 3_600
"""Outcomes of a scheduler that died half-way are applied again within seconds, or when MongoDB is
back; a second letter about the same run an hour later would do no harm."""

RECORDED_AT_A_TIME = 50
"""Outcomes dealt with without a pause: about a millisecond."""

ENDED = Counter("jobs_ended_attempts_total", "Attempts that ended", ["action", "outcome"])
DEAD = Counter("jobs_dead_letters_total", "Runs given up", ["action", "reason"])


class OutcomeRecorder:
    """The only writer of how runs went."""

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        redis: Redis,
        backoff: Backoff,
        actions: Mapping[str, AnyAction],
    ) -> None:
        """`backoff` is for runs whose job has none of its own; `actions` are known by name."""
        self._results = {
            name: database[action.results_collection] for name, action in actions.items()
        }
        self._runs = database["runs"]
        self._jobs = database["jobs"]
        self._letters = OnceAdder(redis, BURIED_SECONDS)
        self._backoff = backoff
        self._pauses = FailurePauses(database)

    async def record(self, events: Iterable[OutcomeEvent]) -> None:
        """Apply a batch of events; applying it again changes nothing.

        Raises:
            PyMongoError: MongoDB is away; nothing or a part was applied, the batch must be given
                again.
            RedisError: Dead letters could not be written; likewise.
        """
        outcomes = fold(events)
        await self._complete_recorded(outcomes)
        failed = [each.run_id for each in outcomes if isinstance(each.end, RunFailed)]
        policies = await self._find_policies(failed)
        changes = Changes()
        async for outcome in with_pauses(outcomes, RECORDED_AT_A_TIME):
            changes.add(translate([outcome], policies))
        await self._apply(changes)
        await self._pauses.pause_failing(ObjectId(end.job_id) for end in changes.exhausted)
        await self._bury(changes.exhausted)
        async for outcome in with_pauses(outcomes, RECORDED_AT_A_TIME):
            if outcome.end is not None:
                _trace(outcome.end)

    async def _complete_recorded(self, outcomes: list[AttemptOutcome]) -> None:
        """Let attempts end well that are said to have ended badly, but have stored their result.

        So it is when a worker died, or was stopped, between storing and saying so, or when what it
        said was lost with Redis. A result is the truth, as another attempt would find it.
        """
        for action, results in self._results.items():
            unsuccessful = {
                each.run_id: each
                for each in outcomes
                if each.end and each.end.action == action and each.end.kind != "completed"
            }
            if not unsuccessful:
                continue
            for run_id, recorded in (await find_recorded(results, unsuccessful)).items():
                outcome = unsuccessful[run_id]
                outcome.end = outcome.end and complete(outcome.end, recorded)
                logger.info("the result was stored before", extra={"run_id": run_id})

    async def _find_policies(self, run_ids: list[str]) -> dict[str, RetryPolicy]:
        if not run_ids:
            return {}
        found = self._runs.find({"_id": {"$in": run_ids}}, {"maxAttempts": 1, "backoff": 1})
        return {
            run["_id"]: RetryPolicy(run["maxAttempts"], self._backoff_of(run))
            async for run in found
        }

    def _backoff_of(self, run: dict[str, Any]) -> Backoff:
        own = run.get("backoff")
        if own is None:
            return self._backoff
        return Backoff(own["initialSeconds"], own["coefficient"], own["maximumSeconds"])

    async def _apply(self, changes: Changes) -> None:
        await write_all(self._runs, to_writes(changes.runs))
        await write_all(self._jobs, to_writes(changes.jobs))

    async def _bury(self, exhausted: list[RunFailed]) -> None:
        """Write one dead letter for each run that has failed for good, and none for another.

        An outcome that comes too late to count, such as that of a worker which was taken for dead,
        is no reason for a letter.
        """
        if not exhausted:
            return
        ids = [end.run_id for end in exhausted]
        failed = self._runs.find(
            {"_id": {"$in": ids}, "state": RunState.FAILED.value}, {"attempt": 1}
        )
        given_up = {(run["_id"], run["attempt"]) async for run in failed}
        letters = [_letter(end) for end in exhausted if (end.run_id, end.attempt) in given_up]
        additions = [
            Addition(f"jobs.buried:{letter.run_id}:{letter.attempt}", DEAD_STREAM, letter)
            for letter in letters
        ]
        for letter, is_new in zip(letters, await self._letters.add(additions), strict=True):
            if is_new:
                DEAD.labels(letter.action, letter.reason).inc()


def _letter(end: RunFailed) -> DeadLetter:
    return DeadLetter(
        reason="attempts_exhausted" if end.retryable else "not_retryable",
        stream=due_stream(end.action),
        run_id=end.run_id,
        job_id=end.job_id,
        action=end.action,
        attempt=end.attempt,
        error=end.error,
        at=end.at,
    )


def _trace(end: RunEnd) -> None:
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
            logger.info("run %s", end.kind, extra=fields)
