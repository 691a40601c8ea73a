"""Any process may be killed at any moment: all jobs still complete, once."""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psutil
import pytest

from local_stack.api import Api
from local_stack.example_jobs import create_example_jobs
from local_stack.process import ChildProcess
from local_stack.stack import Stack

PATIENCE_SECONDS = 90
QUICK_RECOVERY = {
    "LEASE_SECONDS": "2",
    "HEARTBEAT_SECONDS": "0.5",
    "LOST_AFTER_SECONDS": "1",
    "RETRY_INITIAL_SECONDS": "1",
}


def _wait_for_run(api: Api, job: dict[str, Any]) -> dict[str, Any]:
    """Return the job's only run, completed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        runs: list[dict[str, Any]] = api.get(f"/jobs/{job['id']}/runs")
        assert len(runs) <= 1
        if runs and runs[0]["state"] == "completed":
            return runs[0]
        if time.monotonic() > deadline:
            pytest.fail(f"{job['action']} did not complete: {runs}")
        time.sleep(0.1)


def _wait_until_running(process: ChildProcess, name: str) -> None:
    """Jobs that were done before the kill do not wait for the process to be started again."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not process.is_running:
        if time.monotonic() > deadline:
            pytest.fail(f"{name} was not started again")
        time.sleep(0.1)


def test_jobs_complete_once_whichever_process_is_killed(start_stack: Callable[..., Stack]) -> None:
    stack = start_stack(**QUICK_RECOVERY)
    with closing(Api(stack.url, stack.check)) as api:
        for victim, process in list(stack.processes.items()):
            jobs = create_example_jobs(stack)
            pid = process.pid
            assert pid is not None
            psutil.Process(pid).kill()
            for job in jobs:
                if job["type"] == "retry":
                    run = _wait_for_run(api, job)
                    result = api.get(f"/runs/{run['id']}/result")
                    assert result["completeness"]["status"] == "complete", victim
            _wait_until_running(process, victim)
            assert process.pid != pid
