"""The system under measurement: real servers, schedulers and no-op workers as processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import psutil
import pymongo
import redis

from common.models import to_millis
from local_stack.servers import MongoServer, RedisServer

HERE = Path(__file__).parent
STARTS = "benchmark.starts"


class System:
    """Servers, and the processes started on them."""

    def __init__(self, directory: Path, *, append_only: bool) -> None:
        """Start MongoDB and Redis with data and logs in `directory`."""
        self.mongo_server = MongoServer(directory / "mongod", directory / "mongod.log")
        self.redis_server = RedisServer(
            directory / "redis", directory / "redis.log", append_only=append_only
        )
        self._directory = directory
        self._processes: list[subprocess.Popen[bytes]] = []
        self.mongo_server.start()
        self.redis_server.start()
        self.mongo: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            self.mongo_server.url, tz_aware=True
        )
        self.database = self.mongo["job-runner"]
        self.redis = redis.Redis.from_url(self.redis_server.url)

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        """Start one more scheduler."""
        return self._start([sys.executable, "-m", "scheduler.main"])

    def start_worker(self, concurrency: int = 100, sleep_ms: float = 0) -> subprocess.Popen[bytes]:
        """Start one more worker."""
        command = [sys.executable, str(HERE / "noop_worker.py"), "--sleep-ms", str(sleep_ms)]
        return self._start(command, CONCURRENCY=str(concurrency))

    def _start(self, command: list[str], **variables: str) -> subprocess.Popen[bytes]:
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
        self._processes.append(process)
        return process

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

    def wait_until(self, done: Any, seconds: float, what: str) -> float:
        """Return the time at which `done()` is first true.

        Raises:
            RuntimeError: It is not, `seconds` long.
        """
        deadline = time.time() + seconds
        while not done():
            if time.time() > deadline:
                logs = "".join(log.read_text()[-2_000:] for log in self._directory.glob("p*.log"))
                raise RuntimeError(f"{what} not reached in {seconds:.0f} s\n{logs}")
            time.sleep(0.01)
        return time.time()

    def completed(self) -> int:
        """Return how many jobs show a completed run, which is the last thing to be written."""
        ended = {"status": "completed", "schedule.current.state": "completed"}
        return self.database["jobs"].count_documents(ended)

    def usage(self) -> list[dict[str, float]]:
        """Return CPU seconds and resident MB of each live process, in the order of starting."""
        found = []
        for process in self._processes:
            if process.poll() is None:
                now = psutil.Process(process.pid)
                times = now.cpu_times()
                cpu = times.user + times.system
                found.append({"cpu_s": round(cpu, 2), "rss_mb": now.memory_info().rss / 2**20})
        return found

    def stop(self) -> None:
        """End everything."""
        for process in self._processes:
            process.kill()
            process.wait()
        self.mongo.close()
        self.redis.close()
        self.mongo_server.kill()
        self.redis_server.kill()


@contextmanager
def system(directory: Path, *, append_only: bool = False) -> Iterator[System]:
    """Run a system while the block runs."""
    running = System(directory, append_only=append_only)
    try:
        yield running
    finally:
        running.stop()


def job(due: datetime, interval_ms: int | None = None) -> dict[str, Any]:
    """Return a job document due at `due`; to_millis cuts what MongoDB would."""
    assert to_millis(due) > 0
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
