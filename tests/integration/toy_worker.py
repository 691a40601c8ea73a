"""A worker whose analysis is to do as its payload says: sleep, fail, raise alerts.

Tests run it inside their process, or as a process of its own: `python toy_worker.py`.
"""

import asyncio
from typing import Any, Literal

from pydantic import ConfigDict
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from common.actions.contract import Action, ActionPayload
from common.actions.handler import Handler, Report, RunContext
from common.errors import JobError
from common.models import now_utc
from common.results.alerts import Alert, AlertMetrics, AlertSubject
from common.results.envelope import ActionResult, Window
from common.settings import WorkerSettings, process_name
from common.worker import run_worker

EXECUTIONS = "executions"
"""Collection with one document for each time that the handler was entered."""


class ToyPayload(ActionPayload):
    """What the run is to do; what the gateway asks of a wallet's payload means nothing here."""

    model_config = ConfigDict(extra="ignore")

    seconds: float = 0.0
    failing_executions: int = 0
    failure: Literal["retryable", "final", "bug"] = "retryable"
    alerts: int = 0


class ToyResult(ActionResult):
    """Who did it."""

    worker: str


TOY = Action(
    # a name that schedulers know, so that real ones serve it
    name="wallet_snapshot",
    title="Toy",
    description="Does as its payload says.",
    service="toy-worker",
    payload=ToyPayload,
    result=ToyResult,
    results_collection="toy_results",
    default_interval_minutes=1,
    timeout_seconds=60,
    example={},
)


def carry_out(
    database: AsyncDatabase[dict[str, Any]], worker: str
) -> Handler[ToyPayload, ToyResult]:
    """Return the handler of a worker called `worker`; its executions are kept in `database`."""

    async def handler(payload: ToyPayload, context: RunContext) -> Report[ToyResult]:
        executions = database[EXECUTIONS]
        await executions.insert_one(
            {
                "runId": context.run_id,
                "jobId": context.job_id,
                "worker": worker,
                "thresholds": dict(context.configured_thresholds),
                "at": now_utc(),
            }
        )
        await context.report_progress("working")
        await asyncio.sleep(payload.seconds)
        if (
            await executions.count_documents({"jobId": context.job_id})
            <= payload.failing_executions
        ):
            if payload.failure == "bug":
                raise ZeroDivisionError("a bug")
            raise JobError("told to fail", retryable=payload.failure == "retryable")
        window = Window(from_block=0, to_block=context.pinned.block.number)
        alerts = [_alert(context.job_id, number) for number in range(payload.alerts)]
        return Report(ToyResult(window=window, worker=worker), alerts, {"worker": worker})

    return handler


def _alert(job_id: str, number: int) -> Alert:
    return Alert(
        alert_id=f"{job_id}-{number}",
        type="TOY",
        severity="info",
        subject=AlertSubject(kind="wallet", address="0x" + "0" * 40),
        title="a toy alert",
        metrics=AlertMetrics(value=number),
        detected_at=now_utc(),
    )


def main() -> None:
    """Run the worker with settings from the environment."""
    settings = WorkerSettings()
    name = process_name()

    async def handler(payload: ToyPayload, context: RunContext) -> Report[ToyResult]:
        # a client belongs to the event loop that it is made in
        uri = settings.mongodb_uri.get_secret_value()
        async with AsyncMongoClient[dict[str, Any]](uri) as client:
            database = client[settings.mongodb_database]
            return await carry_out(database, name)(payload, context)

    run_worker(TOY, handler)


if __name__ == "__main__":
    main()
