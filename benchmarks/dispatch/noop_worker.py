"""A worker process whose runs do nothing, or sleep: what is left is the system's own cost.

`python noop_worker.py [--sleep-ms 20]` with the environment of any worker.
"""

import argparse
import asyncio
import time

from pydantic import TypeAdapter

from common.consumer import Source, StreamConsumer
from common.events import JobDue, RunCompleted
from common.models import now_utc
from common.process import run_service
from common.redis_client import create_redis
from common.settings import WorkerSettings, load_settings, process_name
from common.streams import due_stream, workers_group
from common.worker.attempt import Progress
from common.worker.leases import Leases
from common.worker.service import WorkerService

ACTION = "wallet_snapshot"  # a name that schedulers know
STARTS = "benchmark.starts"
"""Redis list of `<run id> <lateness in ms>`, one for each start of a handler."""


class NoopRunner:
    """Stands where a real worker reads a chain and stores a result."""

    def __init__(self, sleep_seconds: float) -> None:
        """Sleep so long in each run."""
        self._sleep_seconds = sleep_seconds
        self.starts: list[str] = []

    async def carry_out(self, due: JobDue, progress: Progress) -> RunCompleted:
        """Note the start and complete."""
        lateness_ms = time.time() * 1000 - due.due_at.timestamp() * 1000
        self.starts.append(f"{due.run_id} {lateness_ms:.3f}")
        started_at = now_utc()
        if self._sleep_seconds:
            await asyncio.sleep(self._sleep_seconds)
        return RunCompleted(
            run_id=due.run_id,
            job_id=due.job_id,
            action=due.action,
            attempt=due.attempt,
            traceparent=due.traceparent,
            result_id=due.run_id,
            alerts_count=0,
            summary={},
            started_at=started_at,
            at=now_utc(),
        )


async def _work(settings: WorkerSettings, sleep_seconds: float, stop: asyncio.Event) -> None:
    name = process_name()
    source = Source(due_stream(ACTION), workers_group(ACTION), name)
    redis = create_redis(settings.redis_url)
    leases = Leases(
        redis,
        source,
        lease_seconds=settings.lease_seconds,
        heartbeat_seconds=settings.heartbeat_seconds,
    )
    runner = NoopRunner(sleep_seconds)
    service = WorkerService(
        runner, leases, redis, stop, worker=name, concurrency=settings.concurrency
    )
    consumer = StreamConsumer(
        source,
        TypeAdapter(JobDue),
        service.take,
        redis=redis,
        redis_url=settings.redis_url,
        max_records=service.batch_size,
    )

    async def report_starts() -> None:
        while True:
            await asyncio.sleep(0.05)
            noted, runner.starts = runner.starts, []
            if noted:
                await redis.rpush(STARTS, *noted)

    async with asyncio.TaskGroup() as group:
        beside = [group.create_task(leases.keep()), group.create_task(report_starts())]
        await consumer.run(stop)
        await service.drain(5)
        for task in beside:
            task.cancel()
    await redis.aclose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--sleep-ms", type=float, default=0.0)
    sleep_ms = parser.parse_args().sleep_ms
    worker_settings = load_settings(WorkerSettings)
    run_service(
        "noop-worker", worker_settings, lambda stop: _work(worker_settings, sleep_ms / 1000, stop)
    )
