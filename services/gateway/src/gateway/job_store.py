"""Reads and writes job definitions; what the scheduler owns is left alone."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from beanie import PydanticObjectId
from bson import ObjectId
from pymongo import ReturnDocument
from pymongo.errors import PyMongoError

from common.documents import Job
from common.states import JobStatus
from gateway.connections import is_passing
from gateway.documents import Page, find_page, read_document
from gateway.field_errors import shown
from gateway.job_batches import JobInserts
from gateway.paging import Order, PageQuery
from gateway.problems import JOB_RUNNING, NOT_FOUND, ProblemError, unavailable

NEWEST_FIRST: Final[Order] = (("_id", ObjectId),)

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}")


def job_not_found(job_id: str) -> ProblemError:
    """Return the problem of a job id that names nothing."""
    hint = "" if _OBJECT_ID.fullmatch(job_id) else ": a job id has 24 hex digits"
    return ProblemError(NOT_FOUND, f"there is no job {shown(job_id)!r}{hint}")


def parse_job_id(job_id: str) -> PydanticObjectId:
    """Return the id that `job_id` spells.

    Raises:
        ProblemError: It is not an id, so no job has it.
    """
    if not _OBJECT_ID.fullmatch(job_id):
        raise job_not_found(job_id)
    return PydanticObjectId(job_id)


async def find_job(job_id: str) -> Job:
    """Return a job.

    Raises:
        ProblemError: There is none with this id.
    """
    found = await Job.get_pymongo_collection().find_one({"_id": parse_job_id(job_id)})
    if found is None:
        raise job_not_found(job_id)
    return read_document(Job, found)


async def insert_job(job: Job, inserts: JobInserts) -> None:
    """Store a new job.

    Raises:
        ProblemError: MongoDB stopped answering; whether the job is stored is then unknown.
    """
    try:
        # the same document as Beanie's own insert makes, in a tenth of the time
        await inserts.insert(job.model_dump(by_alias=True))
    except PyMongoError as error:
        if not is_passing(error):
            raise
        raise unavailable(
            f"MongoDB stopped answering: GET /jobs/{job.id} tells later whether the job was stored"
        ) from error


async def find_jobs(criteria: Mapping[str, Any], query: PageQuery) -> Page[Job]:
    """Return a page of the jobs that match `criteria`, newest first."""
    return await find_page(Job, criteria, NEWEST_FIRST, query)


async def update_job(job_id: str, fields: Mapping[str, Any]) -> Job:
    """Set `fields` in one step and return the job as it is then.

    Args:
        job_id: Which job.
        fields: MongoDB field path to aggregation expression.

    Raises:
        ProblemError: There is no such job, or its `status` is to be set while a run is going on.
    """
    guard = {"status": {"$ne": JobStatus.RUNNING}} if "status" in fields else {}
    found = await Job.get_pymongo_collection().find_one_and_update(
        {"_id": parse_job_id(job_id), **guard},
        [{"$set": dict(fields)}],
        return_document=ReturnDocument.AFTER,
    )
    if found is None:
        await find_job(job_id)
        raise ProblemError(JOB_RUNNING, f"job {job_id} is running: it cannot be retried now")
    return read_document(Job, found)


async def trigger_job(job_id: str, now: datetime) -> tuple[Job, datetime]:
    """Ask for one more run and return its job and its due time.

    The due time is `now`, or that of a run asked for before and not created yet.

    Raises:
        ProblemError: There is no such job.
    """
    job = await update_job(
        job_id, {"schedule.triggerAt": {"$ifNull": ["$schedule.triggerAt", now]}}
    )
    return job, job.schedule.trigger_at or now


async def delete_job(job_id: str) -> None:
    """Delete a job; its runs, results and alerts stay.

    Raises:
        ProblemError: There is no such job.
    """
    deleted = await Job.get_pymongo_collection().delete_one({"_id": parse_job_id(job_id)})
    if deleted.deleted_count == 0:
        raise job_not_found(job_id)
