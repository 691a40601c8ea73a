"""`/alerts`: what the workers found worth a look."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from common.results.alerts import Severity
from gateway.dependencies import Ready
from gateway.paging import PageQuery
from gateway.requests import ActionName
from gateway.routes.pages import answer_page
from gateway.run_store import find_alerts
from gateway.views import AlertView, alert_view

router = APIRouter(prefix="/alerts", tags=["alerts"])


class AlertQuery(PageQuery):
    """Which alerts to list."""

    job_id: str | None = None
    run_id: str | None = None
    action: ActionName | None = None
    type: str | None = Field(default=None, examples=["LARGE_TRANSFER"])
    severity: Severity | None = None

    def criteria(self) -> dict[str, str]:
        """Return the MongoDB filter."""
        wanted: dict[str, str] = self.model_dump(
            by_alias=True, exclude_none=True, exclude={"limit", "cursor"}
        )
        return wanted


@router.get("", summary="List alerts, newest first")
async def list_alerts(
    query: Annotated[AlertQuery, Query()], connections: Ready, request: Request, response: Response
) -> list[AlertView]:
    """Answer a page of alerts; the Link header leads to the next page.

    An alert belongs to the job and the run that saw it first; `runId` lists all that a run saw.
    """
    page = await find_alerts(connections.database, query.criteria(), query)
    return answer_page(page, alert_view, request, response)
