"""`/jobs`: what to do and when."""

from collections.abc import Mapping
from typing import Annotated, Any

from beanie import PydanticObjectId
from fastapi import APIRouter, Body, Query, Request, Response

from common.actions import ACTIONS
from common.events import run_id
from common.models import now_utc
from common.states import JobStatus, JobType
from gateway.connections import Connections
from gateway.dependencies import Ready, ready_connections
from gateway.examples import CHANGES, JOBS
from gateway.job_creation import create_document
from gateway.job_store import delete_job, find_job, find_jobs, insert_job, trigger_job, update_job
from gateway.paging import PageQuery
from gateway.payloads import normalize
from gateway.requests import ActionName, JobChanges, JobRequest, JobTypeName, NoteRequest
from gateway.retiming import pause, resume
from gateway.routes.pages import answer_page
from gateway.run_store import find_runs
from gateway.strict_json import StrictJsonRoute
from gateway.timing import decide_timing
from gateway.upcoming import upcoming_runs
from gateway.updates import decide_update
from gateway.views import (
    AcceptedJobView,
    JobView,
    ScheduleView,
    TriggeredRun,
    accepted_job_view,
    job_view,
    run_links,
    schedule_view,
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


@router.post("", status_code=201, summary="Create a job", response_model=AcceptedJobView)
async def create_job(
    wanted: Annotated[JobRequest, Body(openapi_examples=JOBS)], request: Request
) -> Response:
    """Store a job. A recurring job's first run is due at once, a scheduled job's at its time."""
    connections = await ready_connections(request)
    now = now_utc()
    action = ACTIONS[wanted.action]
    payload = normalize(action, wanted.payload)
    job_id = PydanticObjectId()
    timing = decide_timing(wanted, action.default_interval_minutes, now, str(job_id))
    await connections.check_redis()
    job = create_document(wanted, timing, payload.stored, job_id, now)
    await insert_job(job, connections.new_jobs)
    connections.wake_schedulers()
    request.state.log_fields = {"job_id": str(job.id), "action": action.name}
    answer = accepted_job_view(job, payload.warnings)
    return Response(
        answer.model_dump_json(by_alias=True),
        status_code=201,
        headers={"Location": answer.links.self},
        media_type="application/json",
    )


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
    update = decide_update(changes, job, now_utc())
    await connections.check_redis()
    job = await update_job(job_id, update.fields)
    connections.wake_schedulers()
    return accepted_job_view(job, update.warnings)


@router.post("/{job_id}/pause", summary="Pause a job")
async def pause_job(job_id: str, connections: Ready, wanted: NoteRequest | None = None) -> JobView:
    """Keep a job from running until it is resumed; pausing a paused job changes nothing.

    A run under way goes on, and runs may still be asked for by hand.
    """
    note = wanted.note if wanted is not None else None
    return await _set(job_id, pause(note, now_utc()), connections)


@router.post("/{job_id}/resume", summary="Resume a paused job")
async def resume_job(job_id: str, connections: Ready) -> JobView:
    """Let a job go on with its next occurrence.

    Those that fell into the pause are not made up for, but recorded as one skipped run.
    """
    return await _set(job_id, resume(now_utc()), connections)


@router.get("/{job_id}/schedule", summary="Show a job's last and next runs")
async def show_schedule(
    job_id: str,
    _: Ready,
    number: Annotated[int, Query(alias="next", ge=0, le=100, description="due times")] = 10,
    last: Annotated[int, Query(ge=0, le=100, description="runs")] = 10,
) -> ScheduleView:
    """Answer when the job is due next, and how its latest runs went."""
    job = await find_job(job_id)
    runs = (await find_runs(job_id, PageQuery(limit=last))).items if last else []
    return schedule_view(job, upcoming_runs(job, number), runs)


@router.delete("/{job_id}", status_code=204, summary="Delete a job")
async def remove_job(job_id: str, connections: Ready) -> None:
    """Delete a job, so that it runs no more; its runs, results and alerts stay."""
    await connections.check_redis()
    await delete_job(job_id)
    connections.wake_schedulers()


async def _set(job_id: str, fields: Mapping[str, Any], connections: Connections) -> JobView:
    await find_job(job_id)
    await connections.check_redis()
    job = await update_job(job_id, fields)
    connections.wake_schedulers()
    return job_view(job)


@router.post("/{job_id}/trigger", status_code=202, summary="Run a job now")
async def run_job_now(
    job_id: str, connections: Ready, request: Request, response: Response
) -> TriggeredRun:
    """Ask for one more run, beside the planned ones. While one waits, asking again is the same."""
    await connections.check_redis()
    job, due_at = await trigger_job(job_id, now_utc())
    connections.wake_schedulers()
    run = run_id(str(job.id), due_at)
    request.state.log_fields = {"run_id": run}
    response.headers["Location"] = f"/runs/{run}"
    links = run_links(run, str(job.id), has_result=False)
    return TriggeredRun(run_id=run, job_id=str(job.id), due_at=due_at, links=links)
