"""The demonstration: wait for the results of the example jobs and show them."""

import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel

from local_stack.api import Api
from local_stack.show import show_result
from local_stack.stack import Stack

PAUSE_SECONDS = 0.25
LOCAL_PATIENCE_SECONDS = 120.0
REMOTE_PATIENCE_SECONDS = 900.0
ENDED = {"completed", "failed", "skipped", "cancelled"}

Json = dict[str, Any]


def show_results(stack: Stack, jobs: list[Json], console: Console) -> list[str]:
    """Print each recurring job's first result as it comes, and the waiting job.

    Returns:
        What failed, or did not end in time.

    Raises:
        StackError: A process crashes again and again.
    """
    patience = LOCAL_PATIENCE_SECONDS if stack.chain is not None else REMOTE_PATIENCE_SECONDS
    deadline = time.monotonic() + patience
    failures: list[str] = []
    with closing(Api(stack.url, stack.check)) as api:
        waiting = {job["id"]: job for job in jobs if job["type"] == "retry"}
        while waiting and time.monotonic() < deadline:
            for job in list(waiting.values()):
                run = _first_run(api, job)
                if run is None or run["state"] not in ENDED:
                    continue
                del waiting[job["id"]]
                if run["state"] == "completed":
                    _show_run(job, run, api.get(f"/runs/{run['id']}/result"), console)
                else:
                    said = run["errors"][-1]["message"] if run["errors"] else "no error recorded"
                    failures.append(f"{job['action']} {run['state']}: {said} (run {run['id']})")
            time.sleep(PAUSE_SECONDS)
        failures += [
            f"{job['action']} has no result after {patience:.0f} s (logs: {stack.logs})"
            for job in waiting.values()
        ]
        for job in jobs:
            if job["type"] == "scheduled":
                _show_waiting(api.get(f"/jobs/{job['id']}"), console)
    return failures


def _first_run(api: Api, job: Json) -> Json | None:
    runs: list[Json] = api.get(f"/jobs/{job['id']}/runs")
    return runs[-1] if runs else None


def _show_run(job: Json, run: Json, result: Json, console: Console) -> None:
    seconds = (_moment(run["finishedAt"]) - _moment(run["startedAt"])).total_seconds()
    facts = (
        f"[dim]run {run['id']} took {seconds:.1f} s in attempt {run['attempt']}, "
        f"{result['stats']['rpcCalls']} RPC calls, pinned to block {result['block']['number']}\n"
        f"trace {run['traceId']}[/]"
    )
    content = Group(*show_result(job["action"], result), facts)
    console.print(Panel(content, title=_title(job), title_align="left"))


def _show_waiting(job: Json, console: Console) -> None:
    due = _moment(job["nextRunAt"])
    minutes, seconds = divmod(round((due - datetime.now(UTC)).total_seconds()), 60)
    content = (
        f"status {job['status']}: runs at {due:%H:%M:%S} UTC, in {minutes} min {seconds} s\n"
        f"[dim]trace {job['traceId']}[/]"
    )
    console.print(Panel(content, title=_title(job), title_align="left"))


def _title(job: Json) -> str:
    when = f"every {job['intervalMinutes']:g} min" if job["type"] == "retry" else "once"
    return f"[bold]{job['action']}[/] {when} (job {job['id']})"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
