"""`/livez`, `/readyz` and `/metrics`, for the machinery that runs the gateway."""

from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from common.health import run_checks
from common.models import CamelModel
from gateway.dependencies import AnyConnections
from gateway.problems import unavailable

router = APIRouter(tags=["health"])


class HealthView(CamelModel):
    """All is well."""

    status: Literal["ok"] = "ok"


@router.get("/livez", summary="Is the process alive?")
async def live() -> HealthView:
    """Answer 200 as long as the process serves requests; it waits for its servers by itself."""
    return HealthView()


@router.get("/readyz", summary="Can requests be served?")
async def ready(connections: AnyConnections) -> HealthView:
    """Answer 200 when MongoDB and Redis answer and the indexes are there, else a 503 problem."""
    failed = await run_checks(
        {"MongoDB": connections.mongodb_answers, "Redis": connections.redis_answers}
    )
    if failed:
        reasons = [f"{server}: {reason}" for server, reason in failed.items()]
        raise unavailable("; ".join(reasons), "")
    return HealthView()


@router.get("/metrics", response_class=Response, summary="Prometheus metrics")
async def metrics() -> Response:
    """Answer all metrics of this process in Prometheus' text format."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
