"""The gateway as a process: how it starts, says what is wrong, and stops."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pymongo
import pytest

from local_stack.process import ChildProcess


@pytest.fixture
def gateway(
    servers_directory: Path, mongodb_uri: str, database_name: str, redis_url: str
) -> Iterator[ChildProcess]:
    environment = {
        **os.environ,
        "MONGODB_URI": mongodb_uri,
        "MONGODB_DATABASE": database_name,
        "REDIS_URL": redis_url,
        "PORT": "0",
    }
    log = servers_directory / "own-gateway.log"
    log.unlink(missing_ok=True)
    process = ChildProcess(
        "gateway",
        [sys.executable, "-m", "gateway.main"],
        log,
        environment={**environment, "LOG_FORMAT": "text"},
        directory=servers_directory,
    )
    process.start()
    yield process
    process.kill()


def _wait_for_line(process: ChildProcess, words: str) -> str:
    while True:
        lines = process.log_path.read_text().splitlines() if process.log_path.exists() else []
        for line in lines:
            if words in line:
                return line
        assert process.is_running, process.describe_end()
        time.sleep(0.02)


def test_sigterm_ends_it_cleanly_even_with_a_request_under_way(gateway: ChildProcess) -> None:
    url = _wait_for_line(gateway, "listening").partition("url=http://")[2]
    host, _, port = url.partition(":")
    assert httpx.get(f"http://{host}:{port}/livez", timeout=60).status_code == 200
    with socket.create_connection((host, int(port))) as hanging:
        hanging.sendall(
            b"POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 10\r\n\r\n{"
        )
        assert httpx.get(f"http://{host}:{port}/livez").status_code == 200

        gateway.stop(timeout_seconds=60)

    assert gateway.exit_code == 0
    assert "stopped" in gateway.last_log_line()


def test_every_job_acknowledged_before_sigterm_is_stored(
    gateway: ChildProcess, mongodb_uri: str, database_name: str, recurring: dict[str, Any]
) -> None:
    url = _wait_for_line(gateway, "listening").partition("url=")[2]
    _wait_for_line(gateway, "database prepared")
    begun = threading.Event()

    def create_until_it_ends() -> list[str]:
        made = list[str]()
        with httpx.Client(base_url=url, timeout=60) as client:
            while True:
                try:
                    answer = client.post("/jobs", json=recurring)
                except httpx.TransportError:
                    return made
                if answer.status_code != 201:
                    return made
                made.append(answer.json()["id"])
                begun.set()

    with ThreadPoolExecutor() as threads:
        creating = [threads.submit(create_until_it_ends) for _ in range(8)]
        begun.wait()
        gateway.stop(timeout_seconds=60)
        made = {job_id for each in creating for job_id in each.result()}

    assert gateway.exit_code == 0
    with pymongo.MongoClient[dict[str, Any]](mongodb_uri) as client:
        jobs = client[database_name]["jobs"]
        stored = {str(job["_id"]) for job in jobs.find({}, {"_id": True})}
    assert made
    assert made <= stored


def test_each_request_is_one_line_with_its_ids(gateway: ChildProcess) -> None:
    url = _wait_for_line(gateway, "listening").partition("url=")[2]
    _wait_for_line(gateway, "database prepared")

    httpx.get(f"{url}/jobs/65a5c1d2e4b0a1b2c3d4e5f6")
    httpx.get(f"{url}/livez")
    httpx.get(f"{url}/metrics")
    httpx.get(f"{url}/jobs/x%0AFORGED")

    line = _wait_for_line(gateway, "GET /jobs/65a5")
    assert " 404 " in line
    assert "job_id=65a5c1d2e4b0a1b2c3d4e5f6" in line
    assert "duration_ms=" in line
    assert "trace_id=" in line
    log = gateway.log_path.read_text()
    assert log.count("GET /jobs/65a5") == 1
    assert "/livez" not in log
    assert " GET /jobs/x%0AFORGED 404 " in _wait_for_line(gateway, "FORGED")


def test_a_gateway_that_cannot_start_ends_with_an_error(servers_directory: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "gateway.main"],
        env={**os.environ, "PORT": "0", "MONGODB_URI": "mongodb://swordfish@:/"},
        cwd=servers_directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode not in (0, -signal.SIGTERM)
    assert "swordfish" not in ended.stdout + ended.stderr
