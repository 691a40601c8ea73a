"""What users do in a small world around two schedulers."""

from datetime import datetime
from typing import Any

from beanie import PydanticObjectId

from gateway import job_store, run_store
from gateway.job_batches import JobInserts
from gateway.job_creation import create_document
from gateway.problems import ProblemError
from gateway.requests import JobChanges, JobRequest
from gateway.retiming import pause, resume
from gateway.timing import decide_timing
from gateway.updates import decide_update
from tests.integration.engine_clock import Present
from tests.integration.engine_data import ACTION, Document

Body = dict[str, Any]


class Users:
    """What users do, through the gateway's own functions, each at a moment of its own."""

    def __init__(self, present: Present) -> None:
        self._present = present
        self._inserts = JobInserts(timeout_seconds=60)

    async def create(self, body: Body) -> PydanticObjectId:
        """Create a job."""
        now = self._present.tick()
        request = JobRequest.model_validate({"action": ACTION, "payload": {}, **body})
        job_id = PydanticObjectId()
        timing = decide_timing(request, 1, now, str(job_id))
        job = create_document(request, timing, {}, job_id, now)
        await job_store.insert_job(job, self._inserts)
        return job_id

    async def change(self, job_id: PydanticObjectId, body: Body) -> bool:
        """Change a job; False when that is refused, as a retry of a running one is."""
        now = self._present.tick()
        job = await job_store.find_job(str(job_id))
        update = decide_update(JobChanges.model_validate(body), job, now)
        try:
            await job_store.update_job(str(job_id), update.fields)
        except ProblemError:
            return False
        return True

    async def pause(self, job_id: PydanticObjectId) -> None:
        """Pause a job."""
        await job_store.update_job(str(job_id), pause(None, self._present.tick()))

    async def resume(self, job_id: PydanticObjectId) -> None:
        """Resume a job."""
        await job_store.update_job(str(job_id), resume(self._present.tick()))

    async def trigger(self, job_id: PydanticObjectId) -> datetime:
        """Ask for a run and return its due time."""
        _, due_at = await job_store.trigger_job(str(job_id), self._present.tick())
        return due_at

    async def cancel(self, run: Document) -> None:
        """Ask for the end of an unfinished run."""
        found = await run_store.find_run(run["_id"])
        await run_store.request_cancellation(found, None, self._present.tick())

    async def redrive(self, run: Document) -> None:
        """Ask for a failed run to be tried again."""
        found = await run_store.find_run(run["_id"])
        await run_store.request_redrive(found, self._present.tick())
