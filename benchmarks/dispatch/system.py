"""The system under measurement: real servers, schedulers and no-op workers as processes."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import psutil
import pymongo
import redis

from common.models import now_utc
from local_stack.servers import MongoServer, RedisServer

HERE = Path(__file__).parent
STARTS = "benchmark.starts"
WARM_UP_SECONDS = 180
"""How long processes may take to start: minutes where other work keeps the machine busy."""


class System:
    """Servers, and the processes started on them."""

    def __init__(self, directory: Path, *, append_only: bool, cache_gb: float) -> None:
        """Start MongoDB and Redis with data and logs in `directory`."""
        self.mongo_server = MongoServer(
            directory / "mongod", directory / "mongod.log", cache_gb=cache_gb
        )
        self.redis_server = RedisServer(
            directory / "redis", directory / "redis.log", append_only=append_only
        )
        self._directory = directory
        self._processes: list[tuple[str, subprocess.Popen[bytes]]] = []
        self.mongo_server.start()
        self.redis_server.start()
        self.mongo: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            self.mongo_server.url, tz_aware=True
        )
        self.database = self.mongo["job-runner"]
        self.redis = redis.Redis.from_url(self.redis_server.url)

    def start(self, schedulers: int = 1, workers: int = 1) -> None:
        """Start processes and wait until they have carried out a first job."""
        for _ in range(schedulers):
            self.start_scheduler()
        for _ in range(workers):
            self.start_worker()
        self.warm_up()

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        """Start one more scheduler."""
        return self.run("scheduler", [sys.executable, "-m", "scheduler.main"])

    def start_worker(self, concurrency: int = 100, sleep_ms: float = 0) -> subprocess.Popen[bytes]:
        """Start one more worker."""
        command = [sys.executable, str(HERE / "noop_worker.py"), "--sleep-ms", str(sleep_ms)]
        return self.run("worker", command, CONCURRENCY=str(concurrency))

    def run(self, name: str, command: list[str], **variables: str) -> subprocess.Popen[bytes]:
        """Start a process that finds the servers in its environment."""
        log = self._directory / f"process-{len(self._processes)}.log"
        environment = {
            **os.environ,
            **variables,
            "REDIS_URL": self.redis_server.url,
            "MONGODB_URI": self.mongo_server.url,
            "LOG_LEVEL": "WARNING",
        }
        process = subprocess.Popen(
            command, env=environment, stdout=log.open("wb"), stderr=subprocess.STDOUT
        )
        self._processes.append((name, process))
        return process

    def warm_up(self) -> None:
        """Wait until schedulers and workers answer a first job, and forget it."""
        self.insert_jobs([job(now_utc())])
        self.wait_until(lambda: self.completed() >= 1, WARM_UP_SECONDS, "first run")
        time.sleep(0.5)
        self.clear()

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Keep all schedulers from doing anything inside the block."""
        schedulers = [each for name, each in self._processes if name == "scheduler"]
        for each in schedulers:
            each.send_signal(signal.SIGSTOP)
        yield
        for each in schedulers:
            each.send_signal(signal.SIGCONT)

    def clear(self) -> None:
        """Forget all jobs, runs and streams."""
        for name in ("jobs", "runs"):
            self.database[name].delete_many({})
        for key in self.redis.scan_iter("jobs.emitted*", count=1000):
            self.redis.delete(key)
        self.redis.delete(STARTS)

    def insert_jobs(self, jobs: list[dict[str, Any]]) -> None:
        """Store job documents as the gateway would."""
        for start in range(0, len(jobs), 5_000):
            self.database["jobs"].insert_many(jobs[start : start + 5_000], ordered=False)

    def starts(self) -> list[tuple[str, float]]:
        """Return (run id, lateness in ms) of each start of a handler so far."""
        lines = cast("list[bytes]", self.redis.lrange(STARTS, 0, -1))
        return [(run, float(late)) for run, late in (line.decode().split() for line in lines)]

    def started(self) -> int:
        """Return the number of starts of a handler so far."""
        return self.redis.llen(STARTS)

    def wait_until(self, done: Any, seconds: float, what: str, pause: float = 0.01) -> float:
        """Return the time at which `done()` is first true, asked each `pause` seconds.

        Raises:
            RuntimeError: It is not, `seconds` long.
        """
        deadline = time.time() + seconds
        while not done():
            if time.time() > deadline:
                logs = "".join(log.read_text()[-2_000:] for log in self._directory.glob("p*.log"))
                raise RuntimeError(f"{what} not reached in {seconds:.0f} s\n{logs}")
            time.sleep(pause)
        return time.time()

    def completed(self) -> int:
        """Return how many jobs show a completed run, which is the last thing to be written."""
        ended = {"status": "completed", "schedule.current.state": "completed"}
        return self.database["jobs"].count_documents(ended)

    def last_write_at(self) -> float:
        """Return when jobs were last written, by MongoDB's own log."""
        log = self.mongo["local"]["oplog.rs"]
        entry = log.find({"ns": "job-runner.jobs"}).sort("$natural", -1).limit(1)[0]
        written_at: datetime = entry["wall"]
        return written_at.timestamp()

    def usage(self) -> dict[str, dict[str, float]]:
        """Return CPU seconds and resident MB of all processes of each kind."""
        pids = [("mongod", self.mongo_server.process.pid), ("redis", self.redis_server.process.pid)]
        pids += [(name, each.pid) for name, each in self._processes if each.poll() is None]
        found: dict[str, dict[str, float]] = {}
        for name, pid in pids:
            process = psutil.Process(pid)
            times = process.cpu_times()
            sums = found.setdefault(name, {"cpu_s": 0.0, "rss_mb": 0.0})
            sums["cpu_s"] += times.user + times.system
            sums["rss_mb"] += process.memory_info().rss / 2**20
        return found

    def stop(self) -> None:
        """End everything."""
        for _, process in self._processes:
            process.kill()
            process.wait()
        self.mongo.close()
        self.redis.close()
        self.mongo_server.kill()
        self.redis_server.kill()


@contextmanager
def system(*, append_only: bool = False, cache_gb: float = 0.25) -> Iterator[System]:
    """Run servers of their own while the block runs; `cache_gb` is MongoDB's."""
    with tempfile.TemporaryDirectory(prefix="dispatch-") as directory:
        running = System(Path(directory), append_only=append_only, cache_gb=cache_gb)
        try:
            yield running
        finally:
            running.stop()


def cpu_of(
    before: dict[str, dict[str, float]], after: dict[str, dict[str, float]], factor: float
) -> dict[str, float]:
    """Return for each kind of process the CPU seconds between two usages, times `factor`."""
    return {
        name: round((after[name]["cpu_s"] - before[name]["cpu_s"]) * factor, 3)
        for name in after
        if name in before
    }


def job(due: datetime, interval_ms: int | None = None) -> dict[str, Any]:
    """Return a job document due at `due`."""
    return {
        "action": "wallet_snapshot",
        "payload": {"wallet": "0x" + "1" * 40},
        "type": "retry" if interval_ms else "scheduled",
        "intervalMinutes": interval_ms / 60_000 if interval_ms else None,
        "scheduledAt": None if interval_ms else due,
        "maxAttempts": 3,
        "timeoutSeconds": 60,
        "status": "pending",
        "nextRunAt": due,
        "lastRunAt": None,
        "lastError": None,
        "createdAt": due,
        "updatedAt": due,
        "traceparent": None,
        "schedule": {"intervalMs": interval_ms, "anchorAt": due},
    }
