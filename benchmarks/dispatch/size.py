"""Whether cost grows with what is stored, or with time."""

import argparse
import random
import statistics
import time
from datetime import datetime, timedelta

from benchmarks.dispatch.lateness import SECONDS_TO_FIRE_ONCE, measure
from benchmarks.dispatch.report import emit
from benchmarks.dispatch.system import System, job, system
from common.models import now_utc

FIRINGS_PER_SECOND = 1_000
CACHE_GB = 4
"""A million jobs fit in, as in the half of a machine's memory that mongod takes by itself."""

STORING_SECONDS_PER_JOB = 0.0003
LOAD_PER_SECOND = 500


def stored(options: argparse.Namespace) -> None:
    """1,000 firings a second of 10,000 stored recurring jobs, and of 1,000,000.

    Firing begins when everything is stored, and written to disk.
    """
    for number in options.stored:
        with system(append_only=options.aof, cache_gb=CACHE_GB) as running:
            running.start()
            storing_seconds = 10 + STORING_SECONDS_PER_JOB * number
            begun_at = time.time()
            _store(running, number, now_utc() + timedelta(seconds=storing_seconds))
            running.mongo.admin.command("fsync")
            ready_in_s = time.time() - begun_at
            if ready_in_s > storing_seconds:
                raise RuntimeError(f"storing {number} jobs took {ready_in_s:.0f} s, too long")
            time.sleep(storing_seconds - ready_in_s)
            time.sleep(SECONDS_TO_FIRE_ONCE)
            values = measure(running, options.seconds)
            emit("stored", jobs=number, stored_in_s=round(ready_in_s), **values)


def _store(running: System, number: int, begin: datetime) -> None:
    """Store jobs of which 1,000 are due in each second, in no order."""
    chance = random.Random(number)  # noqa: S311  # reproducible, not secret
    interval_ms = number * 1000 // FIRINGS_PER_SECOND
    places = list(range(number))
    chance.shuffle(places)
    for start in range(0, number, 50_000):
        part = places[start : start + 50_000]
        running.insert_jobs(
            [job(begin + timedelta(milliseconds=place), interval_ms) for place in part]
        )


def memory(options: argparse.Namespace) -> None:
    """Redis memory, entries and keys under a steady load; the first minutes fill what is kept."""
    with system(append_only=options.aof) as running:
        running.start()
        begin = now_utc() + timedelta(seconds=3)
        interval_ms = 2_000
        number = LOAD_PER_SECOND * interval_ms // 1000
        running.insert_jobs(
            [
                job(begin + timedelta(milliseconds=place * interval_ms / number), interval_ms)
                for place in range(number)
            ]
        )
        samples: list[tuple[float, float]] = []
        began_at = time.time()
        while (minutes := (time.time() - began_at) / 60) < options.minutes:
            running.redis.delete("benchmark.starts")
            info = running.redis.info("memory")
            samples.append((minutes, info["used_memory"] / 2**20))
            if len(samples) % 12 == 0:
                emit(
                    "memory_sample",
                    minute=round(minutes, 1),
                    redis_mb=round(samples[-1][1], 1),
                    keys=running.redis.dbsize(),
                    outcomes=running.redis.xlen("jobs.outcomes"),
                    rss_mb={n: round(each["rss_mb"]) for n, each in running.usage().items()},
                )
            time.sleep(5)
        late = [mb for minute, mb in samples if minute > options.minutes / 2]
        times = [minute for minute, _ in samples if minute > options.minutes / 2]
        slope = statistics.linear_regression(times, late).slope if len(late) > 2 else None
        emit(
            "memory",
            minutes=options.minutes,
            runs_per_s=LOAD_PER_SECOND,
            redis_mb_second_half=[round(min(late), 1), round(max(late), 1)],
            mb_per_minute_second_half=None if slope is None else round(slope, 3),
            completed=running.database["runs"].count_documents({"state": "completed"}),
            skipped=running.database["runs"].count_documents({"state": "skipped"}),
        )
