"""`/jobs`: what to do and when."""

from typing import Annotated

from beanie import PydanticObjectId
from fastapi import APIRouter, Body, Query, Request, Response

from common.actions import ACTIONS
from common.documents import Job, Schedule
from common.events import run_id
from common.models import now_utc
from common.states import JobStatus, JobType
from common.telemetry import current_traceparent
from gateway.dependencies import Ready
from gateway.examples import CHANGES, JOBS
from gateway.job_store import delete_job, find_job, find_jobs, insert_job, trigger_job, update_job
from gateway.paging import PageQuery
from gateway.payloads import normalize
from gateway.requests import ActionName, JobChanges, JobRequest, JobTypeName
from gateway.routes.pages import answer_page
from gateway.strict_json import StrictJsonRoute
from gateway.timing import decide_timing
from gateway.updates import decide_update
from gateway.views import (
    AcceptedJobView,
    JobView,
    TriggeredRun,
    accepted_job_view,
    job_view,
    run_links,
)

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=StrictJsonRoute)


class JobQuery(PageQuery):
    """Which jobs to list."""

    status: JobStatus | None = None
    type: JobTypeName | None = None
    action: ActionName | None = None

    def criteria(self) -> dict[str, str]:
        """Return the MongoDB filter."""
        job_type = JobType.RECURRING if self.type == "recurring" else self.type
        wanted = {"status": self.status, "type": job_type, "action": self.action}
        return {name: value for name, value in wanted.items() if value is not None}


@router.post("", status_code=201, summary="Create a job")
async def create_job(
    wanted: Annotated[JobRequest, Body(openapi_examples=JOBS)],
    connections: Ready,
    request: Request,
    response: Response,
) -> AcceptedJobView:
    """Store a job. A recurring job's first run is due at once, a scheduled job's at its time."""
    now = now_utc()
    action = ACTIONS[wanted.action]
    payload = normalize(action, wanted.payload)
    timing = decide_timing(wanted, action.default_interval_minutes, now)
    await connections.check_redis()
    job = Job(
        id=PydanticObjectId(),
        action=action.name,
        payload=payload.stored,
        type=timing.type,
        interval_minutes=timing.interval_minutes,
        scheduled_at=timing.scheduled_at,
        max_attempts=wanted.max_attempts,
        timeout_seconds=wanted.timeout_seconds or action.timeout_seconds,
        next_run_at=timing.first_run_at,
        created_at=now,
        updated_at=now,
        traceparent=current_traceparent(),
        schedule=Schedule(interval_ms=timing.interval_ms, anchor_at=timing.first_run_at),
    )
    await insert_job(job)
    await connections.wake_schedulers(str(job.id))
    request.state.log_fields = {"job_id": str(job.id), "action": action.name}
    response.headers["Location"] = f"/jobs/{job.id}"
    return accepted_job_view(job, payload.warnings)


@router.get("", summary="List jobs, newest first")
async def list_jobs(
    query: Annotated[JobQuery, Query()], _: Ready, request: Request, response: Response
) -> list[JobView]:
    """Answer a page of jobs; the Link header leads to the next page."""
    return answer_page(await find_jobs(query.criteria(), query), job_view, request, response)


@router.get("/{job_id}", summary="Show a job")
async def show_job(job_id: str, _: Ready) -> JobView:
    """Answer the job as it is now."""
    return job_view(await find_job(job_id))


@router.patch("/{job_id}", summary="Change or retry a job")
async def change_job(
    job_id: str,
    changes: Annotated[JobChanges, Body(openapi_examples=CHANGES)],
    connections: Ready,
) -> AcceptedJobView:
    """Change what a job does or when; `{"status": "pending"}` runs it again after a failure."""
    job = await find_job(job_id)
    update = decide_update(changes, job.action, job.type, now_utc())
    await connections.check_redis()
    job = await update_job(job_id, update.fields)
    await connections.wake_schedulers(job_id)
    return accepted_job_view(job, update.warnings)


@router.delete("/{job_id}", status_code=204, summary="Delete a job")
async def remove_job(job_id: str, connections: Ready) -> None:
    """Delete a job, so that it runs no more; its runs, results and alerts stay."""
    await connections.check_redis()
    await delete_job(job_id)
    await connections.wake_schedulers(job_id)


@router.post("/{job_id}/trigger", status_code=202, summary="Run a job now")
async def run_job_now(
    job_id: str, connections: Ready, request: Request, response: Response
) -> TriggeredRun:
    """Ask for one more run, beside the planned ones. While one waits, asking again is the same."""
    await connections.check_redis()
    job, due_at = await trigger_job(job_id, now_utc())
    await connections.wake_schedulers(job_id)
    run = run_id(str(job.id), due_at)
    request.state.log_fields = {"run_id": run}
    response.headers["Location"] = f"/runs/{run}"
    links = run_links(run, str(job.id), has_result=False)
    return TriggeredRun(run_id=run, job_id=str(job.id), due_at=due_at, links=links)
