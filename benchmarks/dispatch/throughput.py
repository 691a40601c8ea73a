"""Whole lives of jobs per second, ours and the former system's, in turn."""

import argparse
import json
import statistics
import subprocess
import time
from typing import Any

from benchmarks.dispatch.report import emit
from benchmarks.dispatch.system import System, cpu_of, job, system
from common.models import now_utc

TIMEOUT_SECONDS = 300


def whole_life(options: argparse.Namespace) -> None:
    """Jobs that are due, run and stored as completed, per second; nothing is begun beforehand."""
    for schedulers, workers in options.replicas:
        rounds, peers = [], []
        for _ in range(options.runs):
            with system(append_only=options.aof) as running:
                running.start(schedulers, workers)
                rounds.append(_measure(running, options.jobs))
            if options.peer:
                with system(append_only=options.aof) as running:
                    peers.append(_measure_peer(running, options))
        rates = [each["per_s"] for each in rounds]
        cpu = {name: _median(each["cpu"][name] for each in rounds) for name in rounds[0]["cpu"]}
        values: dict[str, Any] = {
            "schedulers": schedulers,
            "workers": workers,
            "jobs": options.jobs,
            **_spread(rates),
            "cpu_ms_per_job": {**cpu, "all": round(sum(cpu.values()), 3)},
        }
        if peers:
            values["bullmq_mongodb"] = _spread(peers)
            ratios = [ours / theirs for ours, theirs in zip(rates, peers, strict=True)]
            values["times_as_many"] = round(statistics.median(ratios), 2)
        emit("whole_life", **values)


def _measure(running: System, number: int) -> dict[str, Any]:
    """Let `number` jobs that are due run to their end.

    Schedulers are stopped while the jobs are stored, as the peer's worker starts after its jobs are
    queued: the clock begins with the first look for due jobs.
    """
    with running.held_back():
        running.insert_jobs([job(now_utc()) for _ in range(number)])
        before, began_at = running.usage(), time.time()
    deadline = began_at + TIMEOUT_SECONDS
    # counting is work for MongoDB too, so Redis is asked first
    while running.started() < number or running.completed() < number:
        if time.time() > deadline:
            raise RuntimeError(
                f"not done in {TIMEOUT_SECONDS} s: {running.completed()} of {number}"
            )
        time.sleep(0.25)
    seconds = running.last_write_at() - began_at
    after = running.usage()
    time.sleep(0.2)
    completed = running.database["runs"].count_documents({"state": "completed"})
    repeated = len(running.starts()) - number
    if completed != number or repeated:
        raise RuntimeError(f"{completed} of {number} runs completed, {repeated} repeated")
    return {"per_s": number / seconds, "cpu": cpu_of(before, after, 1000 / number)}


def _measure_peer(running: System, options: argparse.Namespace) -> float:
    servers = ("--mongo", running.mongo_server.url, "--redis", str(running.redis_server.port))
    done = subprocess.run(
        ["node", "app.mjs", *servers, "--jobs", str(options.jobs), "--runs", "1"],
        cwd=options.peer,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=True,
    )
    return float(json.loads(done.stdout)["per_s"])


def _median(values: Any) -> float:
    return float(round(statistics.median(values), 3))


def _spread(rates: list[float]) -> dict[str, Any]:
    return {
        "per_s": round(statistics.median(rates)),
        "per_s_range": [round(min(rates)), round(max(rates))],
    }
