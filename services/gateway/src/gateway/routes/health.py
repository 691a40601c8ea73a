"""`/livez`, `/readyz` and `/metrics`, for the machinery that runs the gateway."""

from collections.abc import Mapping
from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from common.health import run_checks
from common.models import CamelModel
from gateway.dependencies import AnyConnections
from gateway.problems import ProblemError, unavailable

router = APIRouter(tags=["health"])


class HealthView(CamelModel):
    """All is well."""

    status: Literal["ok"] = "ok"


@router.get("/livez", summary="Is the process alive?")
async def live(connections: AnyConnections) -> HealthView:
    """Answer 200 unless the process must be restarted; it waits for its servers by itself."""
    failed = await run_checks({"preparation of the database": connections.is_preparing})
    if failed:
        raise _failing(failed)
    return HealthView()


@router.get("/readyz", summary="Can requests be served?")
async def ready(connections: AnyConnections) -> HealthView:
    """Answer 200 when MongoDB and Redis answer and the indexes are there, else a 503 problem."""
    failed = await run_checks(
        {"MongoDB": connections.mongodb_answers, "Redis": connections.redis_answers}
    )
    if failed:
        raise _failing(failed)
    return HealthView()


def _failing(failed: Mapping[str, str]) -> ProblemError:
    return unavailable("; ".join(f"{check}: {reason}" for check, reason in failed.items()))


@router.get("/metrics", response_class=Response, summary="Prometheus metrics")
async def metrics() -> Response:
    """Answer all metrics of this process in Prometheus' text format."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
