"""What a backlog costs: a million due runs wait when a scheduler and a worker start."""

import argparse
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bson import ObjectId

from benchmarks.dispatch.report import emit
from benchmarks.dispatch.system import System, job, system
from common.documents import Job, Run
from common.models import now_utc
from common.streams import DATA_FIELD, OUTCOMES_STREAM, due_stream, workers_group
from scheduler.firing import create_run, due_event

AT_ONCE = 10_000
SAMPLE_SECONDS = 10.0


def backlog(options: argparse.Namespace) -> None:
    """Memory of each process, and entries a second, while `--seconds` of a backlog are done."""
    with system(append_only=options.aof) as running:
        began_at = time.time()
        stream = _fill(running, options.backlog)
        filled = _sample(running, stream)
        emit("backlog_filled", seconds=round(time.time() - began_at), **filled)
        running.start_scheduler()
        running.start_worker()
        running.wait_until(lambda: _done(running), 180, "first run")
        samples = [(time.time(), _sample(running, stream))]
        emit("backlog_sample", second=0, **samples[0][1])
        while time.time() < samples[0][0] + options.seconds and samples[-1][1]["done"] < (
            options.backlog
        ):
            time.sleep(min(SAMPLE_SECONDS, options.seconds))
            running.redis.delete("benchmark.starts")
            samples.append((time.time(), _sample(running, stream)))
            second = round(samples[-1][0] - samples[0][0])
            emit("backlog_sample", second=second, **samples[-1][1])
        (first_at, first), (last_at, last) = samples[0], samples[-1]
        emit(
            "backlog",
            entries=options.backlog,
            runs_per_s=round((last["done"] - first["done"]) / (last_at - first_at)),
            first_rss_mb=first["rss_mb"],
            most_rss_mb={
                name: max(sample["rss_mb"].get(name, 0) for _, sample in samples)
                for name in last["rss_mb"]
            },
            redis_mb=[filled["redis_mb"], last["redis_mb"]],
            waiting=[filled["due"], last["due"]],
            emitted_again=running.database["runs"].count_documents({"emissions": {"$gt": 1}}),
        )


def _fill(running: System, number: int) -> str:
    """Store jobs with a queued run each, and put the runs' events on their stream."""
    jobs, runs = running.database["jobs"], running.database["runs"]
    # as a scheduler does at its start, which is not to be measured here
    jobs.create_indexes(Job.Settings.indexes)
    runs.create_indexes(Run.Settings.indexes)
    action = job(now_utc())["action"]
    stream = due_stream(action)
    for start in range(0, number, AT_ONCE):
        part = list(_queued(min(AT_ONCE, number - start), now_utc()))
        jobs.insert_many([each for each, _, _ in part], ordered=False)
        runs.insert_many([run for _, run, _ in part], ordered=False)
        with running.redis.pipeline(transaction=False) as pipe:
            for _, _, event in part:
                pipe.xadd(stream, {DATA_FIELD: event})
            pipe.execute()
    running.redis.xgroup_create(stream, workers_group(action), id="0")
    return stream


def _queued(number: int, now: datetime) -> Iterator[tuple[dict[str, Any], dict[str, Any], str]]:
    """Yield jobs, their runs as a scheduler creates them, and the events of these."""
    example = {**job(now), "_id": ObjectId(), "nextRunAt": None}
    run, _ = create_run(example, now, now)
    event = due_event(run).model_dump_json()
    for _ in range(number):
        own = ObjectId()
        run_id = run["_id"].replace(str(example["_id"]), str(own))
        current = {"runId": run_id, "attempt": 1, "state": "queued"}
        schedule = {**example["schedule"], "current": current}
        yield (
            {**example, "_id": own, "schedule": schedule},
            {**run, "_id": run_id, "jobId": own},
            event.replace(str(example["_id"]), str(own)),
        )


def _done(running: System) -> int:
    """Return how many runs are recorded as completed."""
    total = running.database["runs"].estimated_document_count()
    unfinished = {"state": {"$in": ["queued", "running", "retrying"]}}
    return total - running.database["runs"].count_documents(unfinished)


def _sample(running: System, stream: str) -> dict[str, Any]:
    """Return how far the backlog is done, and what that takes now."""
    return {
        "done": _done(running),
        "due": running.redis.xlen(stream),
        "outcomes": running.redis.xlen(OUTCOMES_STREAM),
        "redis_mb": round(running.redis.info("memory")["used_memory"] / 2**20),
        "rss_mb": {name: round(each["rss_mb"]) for name, each in running.usage().items()},
    }
