"""Figures of scheduling and dispatching, one JSON line each.

    python -m benchmarks.dispatch.dispatch                      # all
    python -m benchmarks.dispatch.dispatch whole_life kill9     # some

Lateness is the start of a worker's handler minus the due time; both clocks are this machine's.
"""

import argparse
import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.dispatch.system import System, job, system
from common.models import now_utc


def emit(figure: str, **values: Any) -> None:
    """Print one figure."""
    print(json.dumps({"figure": figure, **values}), flush=True)


def percentile(values: list[float], q: float) -> float:
    """Nearest-rank percentile, rounded to 0.1."""
    ordered = sorted(values)
    return round(ordered[max(0, math.ceil(q * len(ordered)) - 1)], 1)


def _lateness(late: list[float]) -> dict[str, Any]:
    return {
        "firings": len(late),
        "p50_ms": percentile(late, 0.5),
        "p99_ms": percentile(late, 0.99),
        "max_ms": round(max(late), 1),
    }


def _warm(running: System) -> None:
    """Wait until scheduler and workers answer a first job."""
    running.insert_jobs([job(now_utc())])
    running.wait_until(lambda: running.completed() >= 1, 30, "first run")
    time.sleep(0.5)
    running.clear()


def whole_life(running: System, options: argparse.Namespace) -> None:
    """Runs per second from stored job to stored outcome; all jobs are due at the start."""
    for schedulers, workers in options.replicas:
        _ensure(running, schedulers, workers)
        rates = []
        for _ in range(options.runs):
            running.clear()
            begin_at = now_utc() + timedelta(seconds=2)
            running.insert_jobs([job(begin_at) for _ in range(options.jobs)])
            total = options.jobs
            end = running.wait_until(lambda n=total: running.completed() >= n, 180, "all runs")
            rates.append(options.jobs / (end - begin_at.timestamp()))
            runs = running.database["runs"].count_documents({"state": "completed"})
            time.sleep(0.2)
            repeated = len(running.starts()) - options.jobs
            if runs != options.jobs or repeated:
                raise RuntimeError(f"{runs} runs completed, {repeated} repeated")
        emit(
            "whole_life",
            schedulers=schedulers,
            workers=workers,
            jobs=options.jobs,
            per_s=round(statistics.median(rates)),
            per_s_range=[round(min(rates)), round(max(rates))],
        )


_started = {"schedulers": 0, "workers": 0}


def _ensure(running: System, schedulers: int, workers: int) -> None:
    while _started["schedulers"] < schedulers:
        running.start_scheduler()
        _started["schedulers"] += 1
    while _started["workers"] < workers:
        running.start_worker()
        _started["workers"] += 1
    _warm(running)


def lateness(running: System, options: argparse.Namespace) -> None:
    """Recurring jobs with intervals of 1 to 10 s at random phases."""
    _ensure(running, 1, 1)
    for number in (1_000, 10_000):
        running.clear()
        chance = random.Random(number)  # noqa: S311  # reproducible, not secret
        begin = now_utc() + timedelta(seconds=3)
        jobs = []
        for index in range(number):
            interval_ms = 1000 + 9000 * index // max(1, number - 1)
            phase = timedelta(milliseconds=chance.randrange(interval_ms))
            jobs.append(job(begin + phase, interval_ms))
        running.insert_jobs(jobs)
        time.sleep(3 + 10)  # every job has fired once
        before, usage = len(running.starts()), running.usage()
        time.sleep(options.seconds)
        starts, after = running.starts()[before:], running.usage()
        running.database["jobs"].delete_many({})
        cpu = [
            round((b["cpu_s"] - a["cpu_s"]) / options.seconds * 100)
            for a, b in zip(usage, after, strict=True)
        ]
        skipped = running.database["runs"].count_documents({"state": "skipped"})
        emit(
            f"lateness_{number}",
            per_s=round(len(starts) / options.seconds, 1),
            skipped=skipped,
            cpu_pct=cpu,
            **_lateness([late for _, late in starts]),
        )
        time.sleep(3)


def herd(running: System, options: argparse.Namespace) -> None:
    """10,000 jobs due at one instant."""
    _ensure(running, 1, 1)
    for _ in range(options.runs):
        running.clear()
        running.insert_jobs([job(now_utc() + timedelta(seconds=4)) for _ in range(1)])
        due = now_utc() + timedelta(seconds=5)
        running.insert_jobs([job(due) for _ in range(10_000)])
        running.wait_until(lambda: len(running.starts()) >= 10_001, 60, "all starts")
        late = [late for _, late in running.starts()]
        emit("herd_10000", **_lateness(late))
        running.wait_until(lambda: running.completed() >= 10_001, 60, "all runs")


def pickup(running: System, options: argparse.Namespace) -> None:
    """One-time jobs at a steady rate: lateness is what emission and pickup take."""
    _ensure(running, 1, 1)
    for rate in (100, 1_000):
        running.clear()
        begin = now_utc() + timedelta(seconds=3)
        total = int(rate * options.seconds)
        running.insert_jobs([job(begin + timedelta(seconds=i / rate)) for i in range(total)])
        running.wait_until(lambda n=total: running.completed() >= n, 60 + options.seconds, "runs")
        time.sleep(0.2)
        emit(f"pickup_{rate}", **_lateness([late for _, late in running.starts()]))


def kill9(running: System, options: argparse.Namespace) -> None:
    """A worker is killed half way through 2,000 runs of 20 ms; another one is there."""
    running.start_scheduler()
    for _ in range(options.runs):
        victim = running.start_worker(concurrency=50, sleep_ms=20)
        _warm(running)
        running.insert_jobs([job(now_utc() + timedelta(seconds=1)) for _ in range(2_000)])
        running.wait_until(lambda: len(running.starts()) >= 1_000, 60, "half")
        victim.kill()
        killed_at = time.time()
        survivor = running.start_worker(concurrency=50, sleep_ms=20)
        end = running.wait_until(lambda: running.completed() >= 2_000, 120, "all runs")
        time.sleep(0.2)
        starts = [run for run, _ in running.starts()]
        emit(
            "kill9",
            all_done_s=round(end - killed_at, 2),
            lost=2_000 - running.database["runs"].count_documents({"state": "completed"}),
            started_twice=len(starts) - len(set(starts)),
        )
        survivor.kill()
        running.clear()


FIGURES: dict[str, Callable[[System, argparse.Namespace], None]] = {
    "whole_life": whole_life,
    "lateness": lateness,
    "herd": herd,
    "pickup": pickup,
    "kill9": kill9,
}


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", nargs="*", help=", ".join(FIGURES))
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--aof", action="store_true", help="Redis with an append-only file")
    parser.add_argument("--replicas", nargs="*", default=["1x1"], help="schedulers x workers")
    options = parser.parse_args()
    options.replicas = [tuple(map(int, each.split("x"))) for each in options.replicas]
    for name in options.figures or FIGURES:
        _started.update(schedulers=0, workers=0)
        with (
            tempfile.TemporaryDirectory() as directory,
            system(Path(directory), append_only=options.aof) as running,
        ):
            FIGURES[name](running, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
