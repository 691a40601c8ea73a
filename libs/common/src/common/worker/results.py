"""Records what a run found: its alerts and its result, each exactly once."""

from typing import Any

from pymongo import ASCENDING, DESCENDING, AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DocumentTooLarge, DuplicateKeyError

from common.actions import AnyAction
from common.actions.handler import Report
from common.errors import JobError
from common.events import JobDue
from common.models import now_utc
from common.mongo_client import DUPLICATE_KEY
from common.recorded import Recorded, find_recorded
from common.results.envelope import ResultFrame
from common.retention import keep_for


class ResultStore:
    """Writes one action's results collection, and `alerts`."""

    def __init__(
        self,
        client: AsyncMongoClient[dict[str, Any]],
        database: str,
        action: AnyAction,
        retention_days: float | None = None,
    ) -> None:
        """Use `database` of `client`; the collection follows from `action`.

        Results are kept for `retention_days`, for ever when None.
        """
        self._retention_days = retention_days
        self.database: AsyncDatabase[dict[str, Any]] = client[database]
        self._results = self.database[action.results_collection]
        self._alerts = self.database["alerts"]

    async def create_indexes(self) -> None:
        """Create what `find_previous` needs, and let MongoDB remove what is too old."""
        await self._results.create_index([("jobId", ASCENDING), ("dueAt", DESCENDING)])
        await keep_for(self._results, "generatedAt", self._retention_days)

    async def find_recorded(self, run_id: str) -> Recorded | None:
        """Return what an earlier attempt of this run stored, if one did."""
        return (await find_recorded(self._results, [run_id])).get(run_id)

    async def find_previous(self, due: JobDue) -> dict[str, Any] | None:
        """Return the newest result of a run of the same job that was due earlier."""
        return await self._results.find_one(
            {"jobId": due.job_id, "dueAt": {"$lt": due.due_at}}, sort=[("dueAt", DESCENDING)]
        )

    async def record(self, due: JobDue, report: Report[Any], frame: ResultFrame) -> Recorded:
        """Store a report under its run's id, unless an attempt of the run has stored one before.

        Alerts go first: once the result is there, nothing about the run is written again.

        Raises:
            JobError: The result exceeds MongoDB's 16 MB a document (not retryable).
        """
        await self._record_alerts(due, report, frame)
        document = {
            "_id": due.run_id,
            "jobId": due.job_id,
            "action": due.action,
            "attempt": due.attempt,
            "dueAt": due.due_at,
            "runSummary": dict(report.summary),
            "alertIds": [alert.alert_id for alert in report.alerts],
            **frame.model_dump(by_alias=True),
            **report.result.model_dump(by_alias=True),
        }
        try:
            await self._results.insert_one(document)
        except DuplicateKeyError:
            recorded = await self.find_recorded(due.run_id)
            if recorded is not None:
                return recorded
            raise
        except DocumentTooLarge as error:
            raise JobError(
                "the result exceeds MongoDB's 16 MB: narrow the window or lower the limits",
                retryable=False,
            ) from error
        return Recorded(due.run_id, len(report.alerts), dict(report.summary))

    async def _record_alerts(self, due: JobDue, report: Report[Any], frame: ResultFrame) -> None:
        if not report.alerts:
            return
        common = {
            "action": due.action,
            "jobId": due.job_id,
            "runId": due.run_id,
            "chainId": frame.chain_id,
            "recordedAt": now_utc(),
        }
        documents = [
            {
                "_id": alert.alert_id,
                **common,
                **alert.model_dump(by_alias=True, exclude={"alert_id"}),
            }
            for alert in report.alerts
        ]
        try:
            await self._alerts.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            # an alert that is known already was raised by an earlier run or attempt
            if any(each["code"] != DUPLICATE_KEY for each in error.details["writeErrors"]):
                raise
