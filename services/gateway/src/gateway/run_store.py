"""Reads runs, results and alerts; all of them are written by other services."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pymongo.asynchronous.database import AsyncDatabase

from common.actions import ACTIONS
from common.documents import AlertDocument, Job, Run, RunRequest
from common.models import to_millis
from common.states import UNFINISHED, RequestKind, RunState
from gateway.documents import Page, find_page, read_document
from gateway.field_errors import shown
from gateway.job_store import find_job, parse_job_id
from gateway.paging import Order, PageQuery
from gateway.problems import NO_RESULT, NOT_FOUND, RUN_ENDED, RUN_NOT_FAILED, ProblemError

LATEST_DUE_FIRST: Final[Order] = (("dueAt", datetime), ("_id", str))
NEWEST_FIRST: Final[Order] = (("recordedAt", datetime), ("_id", str))


async def find_run(run_id: str) -> Run:
    """Return a run.

    Raises:
        ProblemError: There is none with this id, or it is planned and not created yet.
    """
    found = await Run.get_pymongo_collection().find_one({"_id": run_id})
    if found is None:
        raise await _run_not_found(run_id)
    return read_document(Run, found)


async def _run_not_found(run_id: str) -> ProblemError:
    job_id, _, due = run_id.partition(":")
    if not due.isdecimal():
        return ProblemError(
            NOT_FOUND,
            f"there is no run {shown(run_id)!r}: a run id is a job id, a colon and milliseconds",
        )
    job = await Job.get_pymongo_collection().find_one(
        {"_id": parse_job_id(job_id)}, {"nextRunAt": 1, "schedule.triggerAt": 1}
    )
    planned = (job.get("nextRunAt"), job.get("schedule", {}).get("triggerAt")) if job else ()
    if any(due == str(to_millis(at)) for at in planned if isinstance(at, datetime)):
        return ProblemError(
            NOT_FOUND,
            f"run {run_id} is planned, but not created yet: ask again",
            headers={"Retry-After": "1"},
        )
    return ProblemError(NOT_FOUND, f"there is no run {shown(run_id)!r}")


async def request_cancellation(run: Run, note: str | None, now: datetime) -> None:
    """Ask the scheduler to end a run; asking again changes nothing.

    Raises:
        ProblemError: The run has ended.
    """
    if run.state not in UNFINISHED:
        raise ProblemError(RUN_ENDED, f"run {run.id} is {run.state.value}")
    await _request(RequestKind.CANCEL, run.id, note, now)


async def request_redrive(run: Run, now: datetime) -> None:
    """Ask the scheduler to try a failed run again; asking again changes nothing.

    Raises:
        ProblemError: The run has not failed.
    """
    if run.state is not RunState.FAILED:
        raise ProblemError(RUN_NOT_FAILED, f"run {run.id} is {run.state.value}")
    await _request(RequestKind.REDRIVE, run.id, None, now)


async def _request(kind: RequestKind, run_id: str, note: str | None, now: datetime) -> None:
    wish = {"kind": kind.value, "runId": run_id, "at": now, "note": note}
    await RunRequest.get_pymongo_collection().update_one(
        {"_id": f"{kind.value}:{run_id}"}, {"$setOnInsert": wish}, upsert=True
    )


async def find_runs(job_id: str, query: PageQuery) -> Page[Run]:
    """Return a page of a job's runs, latest due time first, also of a job deleted since.

    Raises:
        ProblemError: There is no such job, and it left no runs.
    """
    page = await find_page(Run, {"jobId": parse_job_id(job_id)}, LATEST_DUE_FIRST, query)
    if not page.items:
        await find_job(job_id)
    return page


async def find_result(database: AsyncDatabase[dict[str, Any]], run: Run) -> dict[str, Any]:
    """Return the document that a run's worker stored.

    Raises:
        ProblemError: There is none; the run's state tells why.
    """
    action = ACTIONS.get(run.action)
    found = action and await database[action.results_collection].find_one({"_id": run.id})
    if not found:
        raise ProblemError(NO_RESULT, f"run {run.id} {_why_no_result(run)}")
    return {"runId": found.pop("_id"), **found}


def _why_no_result(run: Run) -> str:
    if run.state in UNFINISHED:
        return f"is {run.state.value} and has no result yet"
    if run.state is RunState.COMPLETED:
        return "is completed, but its result is no longer stored"
    if run.errors:
        error = run.errors[-1]
        return f"is {run.state.value}: {error.type}: {shown(error.message, 300)}"
    return f"is {run.state.value}" + (f" ({run.skip_reason.value})" if run.skip_reason else "")


async def find_alerts(
    database: AsyncDatabase[dict[str, Any]], criteria: Mapping[str, Any], query: PageQuery
) -> Page[AlertDocument]:
    """Return a page of the alerts that match `criteria`, newest first.

    Those of a run are all that it found, also the ones that an earlier run had recorded.
    """
    wanted = dict(criteria)
    run_id = wanted.pop("runId", None)
    if run_id is not None:
        found = {"_id": {"$in": await _found_alert_ids(database, run_id)}}
        wanted["$and"] = [{"$or": [{"runId": run_id}, found]}]
    return await find_page(AlertDocument, wanted, NEWEST_FIRST, query)


async def _found_alert_ids(database: AsyncDatabase[dict[str, Any]], run_id: str) -> list[str]:
    for action in ACTIONS.values():
        results = database[action.results_collection]
        stored = await results.find_one({"_id": run_id}, {"alertIds": 1})
        if stored is not None:
            alert_ids: list[str] = stored.get("alertIds", [])
            return alert_ids
    return []
