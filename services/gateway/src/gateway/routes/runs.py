"""Runs of jobs and what they found."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic_core import to_json

from common.models import now_utc
from gateway.dependencies import Ready
from gateway.paging import PageQuery
from gateway.requests import NoteRequest
from gateway.routes.pages import answer_page
from gateway.run_store import find_result, find_run, find_runs, request_cancellation
from gateway.strict_json import StrictJsonRoute
from gateway.views import ResultView, RunView, run_view

router = APIRouter(tags=["runs"], route_class=StrictJsonRoute)


@router.get("/jobs/{job_id}/runs", summary="List a job's runs, latest first")
async def list_runs(
    job_id: str,
    query: Annotated[PageQuery, Query()],
    _: Ready,
    request: Request,
    response: Response,
) -> list[RunView]:
    """Answer a page of runs; the Link header leads to the next page."""
    return answer_page(await find_runs(job_id, query), run_view, request, response)


@router.get("/runs/{run_id}", summary="Show a run")
async def show_run(run_id: str, _: Ready) -> RunView:
    """Answer the run with its state, the errors of its attempts and its trace id."""
    return run_view(await find_run(run_id))


@router.post("/runs/{run_id}/cancel", status_code=202, summary="Cancel a run")
async def cancel_run(run_id: str, connections: Ready, wanted: NoteRequest | None = None) -> RunView:
    """Ask that a run end which is queued or running; its state will be `cancelled`.

    A worker stops within about a second, unless it ends by itself before.
    """
    run = await find_run(run_id)
    await connections.check_redis()
    await request_cancellation(run, wanted.note if wanted is not None else None, now_utc())
    return run_view(run)


@router.get("/runs/{run_id}/result", response_model=ResultView, summary="Show what a run found")
async def show_result(run_id: str, connections: Ready) -> Response:
    """Answer the stored result: what all results share, and the fields of its action."""
    result = await find_result(connections.database, await find_run(run_id))
    return Response(
        to_json(result, inf_nan_mode="null", fallback=str), media_type="application/json"
    )
