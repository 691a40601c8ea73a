"""How soon the runs of a killed worker are done."""

import argparse
import time

from benchmarks.dispatch.report import emit
from benchmarks.dispatch.system import job, system
from common.models import now_utc


def kill9(options: argparse.Namespace) -> None:
    """A worker is killed half way through 2,000 runs of 20 ms.

    Either another one is started at once, whose start counts, or one has been running beside it.
    """
    for _ in range(options.runs):
        for is_replaced in (True, False):
            _kill_half_way(options, is_replaced=is_replaced)


def _kill_half_way(options: argparse.Namespace, *, is_replaced: bool) -> None:
    with system(append_only=options.aof) as running:
        running.start_scheduler()
        victim = running.start_worker(concurrency=50, sleep_ms=20)
        survivor = running.start_worker(concurrency=50, sleep_ms=20)
        running.warm_up()
        if is_replaced:
            survivor.kill()
            survivor.wait()
        running.insert_jobs([job(now_utc()) for _ in range(2_000)])
        running.wait_until(lambda: running.started() >= 1_000, 60, "half")
        victim.kill()
        killed_at = time.time()
        if is_replaced:
            running.start_worker(concurrency=50, sleep_ms=20)
        running.wait_until(lambda: running.completed() >= 2_000, 120, "all runs", 0.05)
        seconds = running.last_write_at() - killed_at
        time.sleep(0.2)
        runs = [run for run, _ in running.starts()]
        emit(
            "kill9",
            other_worker="started at the kill" if is_replaced else "running",
            all_done_s=round(seconds, 2),
            lost=2_000 - running.database["runs"].count_documents({"state": "completed"}),
            started_twice=len(runs) - len(set(runs)),
        )
