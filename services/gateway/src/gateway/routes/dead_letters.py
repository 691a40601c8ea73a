"""`/dead-letters`: what nobody will try again by itself."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from common.models import now_utc
from gateway.dependencies import Ready
from gateway.letter_store import find_failed_run, find_letters
from gateway.paging import PageQuery
from gateway.routes.pages import answer_page
from gateway.run_store import request_redrive
from gateway.views import DeadLetterView, RunView, dead_letter_view, run_view

router = APIRouter(prefix="/dead-letters", tags=["dead letters"])


@router.get("", summary="List dead letters, newest first")
async def list_dead_letters(
    query: Annotated[PageQuery, Query()], _: Ready, request: Request, response: Response
) -> list[DeadLetterView]:
    """Answer failed runs and unreadable entries; the Link header leads to the next page."""
    return answer_page(await find_letters(query), dead_letter_view, request, response)


@router.post("/{letter_id}/redrive", status_code=202, summary="Try a failed run again")
async def redrive(letter_id: str, connections: Ready) -> RunView:
    """Ask that a failed run be tried again, with as many attempts as it had at first.

    It keeps its id, its payload and its errors; its job need not exist any more.
    """
    run = await find_failed_run(letter_id)
    await connections.check_redis()
    await request_redrive(run, now_utc())
    return run_view(run)
