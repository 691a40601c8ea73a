"""How late handlers start: start minus due time, by the one clock of this machine."""

import argparse
import random
import time
from datetime import timedelta
from typing import Any

from benchmarks.dispatch.report import emit, lateness_of
from benchmarks.dispatch.system import System, cpu_of, job, system
from common.models import now_utc

SECONDS_TO_FIRE_ONCE = 13
"""From storing recurring jobs until each has fired: 3 s until the first, 10 s of intervals."""


def lateness(options: argparse.Namespace) -> None:
    """Recurring jobs with intervals of 1 to 10 s at random phases."""
    for number in (1_000, 10_000):
        with system(append_only=options.aof) as running:
            running.start()
            chance = random.Random(number)  # noqa: S311  # reproducible, not secret
            begin = now_utc() + timedelta(seconds=3)
            jobs = []
            for index in range(number):
                interval_ms = 1000 + 9000 * index // max(1, number - 1)
                phase = timedelta(milliseconds=chance.randrange(interval_ms))
                jobs.append(job(begin + phase, interval_ms))
            running.insert_jobs(jobs)
            time.sleep(SECONDS_TO_FIRE_ONCE)
            emit(f"lateness_{number}", **measure(running, options.seconds))


def measure(running: System, seconds: float) -> dict[str, Any]:
    """Watch firings for a while; CPU is in percent of one core."""
    before, usage = len(running.starts()), running.usage()
    skipped_before = running.database["runs"].count_documents({"state": "skipped"})
    began_at = time.time()
    time.sleep(seconds)
    starts, after, seconds = running.starts()[before:], running.usage(), time.time() - began_at
    skipped = running.database["runs"].count_documents({"state": "skipped"}) - skipped_before
    return {
        "per_s": round(len(starts) / seconds, 1),
        **lateness_of([late for _, late in starts]),
        "skipped": skipped,
        "cpu_pct": cpu_of(usage, after, 100 / seconds),
        "rss_mb": {name: round(each["rss_mb"]) for name, each in after.items()},
    }


def herd(options: argparse.Namespace) -> None:
    """10,000 jobs due at one instant."""
    for _ in range(options.runs):
        with system(append_only=options.aof) as running:
            running.start(workers=options.workers)
            due = now_utc() + timedelta(seconds=5)
            running.insert_jobs([job(due) for _ in range(10_000)])
            time.sleep(5)
            running.wait_until(lambda r=running: r.started() >= 10_000, 120, "all starts", 0.1)
            late = [late for _, late in running.starts()]
            emit("herd_10000", workers=options.workers, **lateness_of(late))


def overload(options: argparse.Namespace) -> None:
    """10,000 jobs of one second each, more than can be run: each occurrence is accounted for."""
    with system(append_only=options.aof) as running:
        running.start()
        begin = now_utc() + timedelta(seconds=4)
        running.insert_jobs(
            [job(begin + timedelta(milliseconds=n % 1000), 1000) for n in range(10_000)]
        )
        time.sleep(4)
        values = measure(running, options.seconds)
        running.database["jobs"].update_many({}, {"$set": {"nextRunAt": None}})
        time.sleep(12)  # longer than a pass lasts: what is being created is stored then
        emit("overload_10000_per_s", unaccounted=_unaccounted(running), **values)


def _unaccounted(running: System) -> int:
    """Return how many occurrences between a job's first and last have neither run nor reason."""
    last = {"$max": {"$ifNull": ["$skippedUntil", "$dueAt"]}}
    recorded = {"$sum": {"$ifNull": ["$occurrences", 1]}}
    by_job = {"_id": "$jobId", "first": {"$min": "$dueAt"}, "last": last, "recorded": recorded}
    missing = 0
    for each in running.database["runs"].aggregate([{"$group": by_job}]):
        due = round((each["last"] - each["first"]).total_seconds()) + 1
        missing += abs(due - each["recorded"])
    return missing


def pickup(options: argparse.Namespace) -> None:
    """One-time jobs at a steady rate: lateness is what emission and pickup take."""
    for rate in (100, 1_000):
        with system(append_only=options.aof) as running:
            running.start()
            begin = now_utc() + timedelta(seconds=4)
            total = int(rate * options.seconds)
            running.insert_jobs([job(begin + timedelta(seconds=i / rate)) for i in range(total)])
            time.sleep(4 + options.seconds)
            running.wait_until(lambda r=running, n=total: r.started() >= n, 60, "starts", 0.1)
            emit(f"pickup_{rate}", **lateness_of([late for _, late in running.starts()]))
