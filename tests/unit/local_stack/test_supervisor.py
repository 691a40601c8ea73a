"""What dies is started again; what cannot live is given up."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local_stack import supervisor as module
from local_stack.errors import StackError
from local_stack.process import ChildProcess
from local_stack.supervisor import Supervisor


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def watch(
    told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], tuple[Supervisor, ChildProcess]]]:
    """Start a Python program under a supervisor of its own, with short delays."""
    monkeypatch.setattr(module, "FIRST_DELAY_SECONDS", 0.01)
    children: list[tuple[Supervisor, ChildProcess]] = []

    def start(program: str) -> tuple[Supervisor, ChildProcess]:
        child = ChildProcess("toy", [sys.executable, "-S", "-c", program], tmp_path / "toy.log")
        supervisor = Supervisor(told.append)
        child.start()
        supervisor.watch(child)
        children.append((supervisor, child))
        return supervisor, child

    yield start
    for supervisor, child in children:
        supervisor.stop()
        child.kill()


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _kill_and_wait_for_the_next(child: ChildProcess) -> None:
    assert child.pid is not None
    killed = psutil.Process(child.pid)
    killed.kill()
    _wait_until(lambda: child.pid != killed.pid and child.is_running)


def test_a_killed_process_is_started_again_and_told(
    watch: Callable[[str], tuple[Supervisor, ChildProcess]], told: list[str]
) -> None:
    supervisor, child = watch("import time; time.sleep(60)")
    for _ in range(module.CRASHES_IN_A_ROW + 1):  # kills from outside never exhaust its patience
        _kill_and_wait_for_the_next(child)
    supervisor.check()
    assert "toy ended (killed by SIGKILL" in told[0]
    assert "toy.log" in told[0]


def test_a_process_that_crashes_again_and_again_is_given_up(
    watch: Callable[[str], tuple[Supervisor, ChildProcess]], told: list[str]
) -> None:
    supervisor, _ = watch("import sys; print('no such database'); sys.exit(3)")

    def given_up() -> bool:
        try:
            supervisor.check()
        except StackError:
            return True
        return False

    _wait_until(given_up)
    with pytest.raises(StackError, match=r"again and again.*exit code 3: no such database"):
        supervisor.check()
    assert len(told) == module.CRASHES_IN_A_ROW - 1


def test_nothing_is_started_again_after_the_watch_has_ended(
    watch: Callable[[str], tuple[Supervisor, ChildProcess]],
) -> None:
    supervisor, child = watch("import time; time.sleep(60)")
    supervisor.stop()
    child.kill()
    time.sleep(5 * module.LOOK_SECONDS)
    assert not child.is_running
