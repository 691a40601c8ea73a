"""`make demo` and `make up` as their users see them: what is printed, what is left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local_stack.ports import find_free_port
from local_stack.servers import AnvilServer

Launch = Callable[..., "Launched"]


class Launched:
    """A running `python -m local_stack`."""

    def __init__(self, command: list[str], environment: dict[str, str], output: Path) -> None:
        self._output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                command, env=environment, stdout=file, stderr=subprocess.STDOUT
            )

    @property
    def said(self) -> str:
        return self._output.read_text()

    def wait_for(self, words: str, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while words not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def launch(servers_directory: Path, tmp_path: Path) -> Iterator[Launch]:
    """Run `python -m local_stack <command>` on a port of its own, without servers of a user."""
    launched: list[Launched] = []
    unset = {"MONGODB_URI", "REDIS_URL", "RPC_URLS", "DEFAULT_CHAIN_ID"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}

    def start(command: str, *, by_shell: bool = False, **variables: str) -> Launched:
        directory = servers_directory / f"launched-{tmp_path.name}"
        words = [sys.executable, "-m", "local_stack", command, "--directory", str(directory)]
        if by_shell:
            words = ["sh", "-c", f"{' '.join(words)} --end-with-parent; true"]
        own = {"PORT": str(find_free_port()), **variables}
        launched.append(Launched(words, environment | own, tmp_path / "output"))
        return launched[-1]

    yield start
    for each in launched:
        each.process.kill()
        each.process.wait()


def _assert_all_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert [process.name() for process in alive] == []


def test_the_demo_shows_results_and_stops_everything(launch: Launch) -> None:
    demo = launch("demo")
    demo.wait_for("services are ready")
    processes = demo.descendants()
    assert demo.process.wait(timeout=180) == 0, demo.said
    for words in (
        "WETH",
        "Local Creatures",
        "Whales",
        "LARGE_TRANSFER",
        "Suspicious sales",
        "closed_cycle",
        "self_trade",
        "status pending: runs at",
        "/docs",
        "trace ",
        "everything is stopped",
    ):
        assert words in demo.said
    _assert_all_gone(processes)


def test_ctrl_c_ends_everything_in_good_order(launch: Launch) -> None:
    up = launch("up")
    up.wait_for("Ctrl-C stops everything")
    processes = up.descendants()
    assert "traffic" in " ".join(part for process in processes for part in process.cmdline())
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(timeout=30) == 0, up.said
    _assert_all_gone(processes)
    assert "Traceback" not in up.said


def test_examples_that_a_chain_of_the_user_lacks_end_nothing(
    launch: Launch, own_anvil: AnvilServer
) -> None:
    up = launch("up", RPC_URLS=json.dumps({"31337": [own_anvil.url]}))
    up.wait_for("Ctrl-C stops everything")

    assert "example job: analyze_coin_flows failed: no contract at" in up.said
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(timeout=30) == 0, up.said


@pytest.mark.parametrize("by_shell", [False, True], ids=["launcher", "its parent"])
def test_nothing_outlives_a_kill(launch: Launch, by_shell: bool) -> None:
    up = launch("up", by_shell=by_shell)
    up.wait_for("servers run")
    time.sleep(0.5)  # some of the services are being started now
    processes = up.descendants()
    assert len(processes) > 3
    up.process.kill()
    _assert_all_gone(processes)


def test_a_port_in_use_is_told_in_one_line_with_the_way_out(launch: Launch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = launch("demo", PORT=str(port))
        assert demo.process.wait(timeout=30) == 1
    last = demo.said.splitlines()[-1]
    assert f"port {port} is in use by" in last
    assert f"(process {os.getpid()})" in last
    assert f"PORT={port + 100} make demo" in last


def test_a_server_of_the_user_that_is_away_is_told_by_its_variable(launch: Launch) -> None:
    demo = launch("demo", REDIS_URL=f"redis://:secret@127.0.0.1:{find_free_port()}/0")
    assert demo.process.wait(timeout=60) == 1
    assert "no Redis answers at REDIS_URL" in demo.said.splitlines()[-1]
    assert "secret" not in demo.said
