"""The example script, run as a user of the API would run it: with nothing but Python."""

import json
import subprocess
import sys

import httpx

from local_stack.paths import CHECKOUT
from local_stack.ports import find_free_port
from local_stack.stack import Stack

SCRIPT = CHECKOUT / "examples" / "create_example_jobs.py"


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    bare = [sys.executable, "-I", "-S", str(SCRIPT), *arguments]  # no installed packages
    return subprocess.run(bare, capture_output=True, text=True, timeout=60, check=False)


def test_four_jobs_are_created(stack: Stack, api: httpx.Client) -> None:
    answer = _run("--gateway", stack.url, "--json")
    assert answer.returncode == 0, answer.stderr
    created = json.loads(answer.stdout)
    assert [(job["action"], job["type"], job["intervalMinutes"]) for job in created] == [
        ("wallet_snapshot", "retry", 15),
        ("analyze_coin_flows", "retry", 30),
        ("analyze_nft_movements", "retry", 60),
        ("wallet_snapshot", "scheduled", None),
    ]
    for job in created:
        assert api.get(f"/jobs/{job['id']}").status_code == 200
    waiting = api.get(f"/jobs/{created[-1]['id']}").json()
    assert waiting["status"] == "pending"
    assert waiting["nextRunAt"] == waiting["scheduledAt"]


def test_jobs_are_listed_for_people(stack: Stack) -> None:
    answer = _run("--gateway", stack.url)
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert len(lines) == 4
    assert lines[0].endswith("every 15 min")
    assert "once, at 20" in lines[3]


def test_a_refused_job_is_told(stack: Stack) -> None:
    answer = _run("--gateway", stack.url, "--wallet", "0x123")
    assert answer.returncode == 1
    assert "refused a job (422)" in answer.stderr


def test_a_missing_gateway_is_told_with_the_way_out() -> None:
    answer = _run("--gateway", f"http://127.0.0.1:{find_free_port()}")
    assert answer.returncode == 1
    assert "no gateway answers" in answer.stderr
    assert "--gateway" in answer.stderr
