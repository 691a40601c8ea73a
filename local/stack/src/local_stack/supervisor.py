"""Notices when a child process ends and starts it again, as a container's restart policy does."""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from local_stack.errors import StackError
from local_stack.process import ChildProcess

LOOK_SECONDS = 0.1
FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 10.0
STEADY_SECONDS = 10.0
CRASHES_IN_A_ROW = 5

FROM_OUTSIDE = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT}


@dataclass
class Watched:
    """A process under watch.

    Attributes:
        process: The process.
        revive: Brings it back after it ended.
        started: Monotonic time of its latest start.
        crashes: Ends of its own doing since it last ran for ten seconds.
        revive_at: Monotonic time of its next start; None while it is not known to have ended.
    """

    process: ChildProcess
    revive: Callable[[], None]
    started: float = field(default_factory=time.monotonic)
    crashes: int = 0
    revive_at: float | None = None


class Supervisor:
    """Keeps processes running until it is stopped, or until one of them crashes again and again."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """Watch nothing yet.

        Args:
            tell: Receives one line for a person whenever a process ended; called in a thread.
        """
        self._tell = tell
        self._watched: list[Watched] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._failure: StackError | None = None
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def watch(self, process: ChildProcess, revive: Callable[[], None] | None = None) -> None:
        """Watch a started process; `revive` brings it back, by default just starting it."""
        with self._lock:
            self._watched.append(Watched(process, revive or process.start))
        if not self._thread.is_alive():
            self._thread.start()

    def check(self) -> None:
        """Return quietly while all is well.

        Raises:
            StackError: A process crashed too often, or could not be brought back.
        """
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Watch no more, so that processes may be ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.wait(LOOK_SECONDS):
                with self._lock:
                    watched = list(self._watched)
                for each in watched:
                    self._look_after(each)
        except StackError as error:
            self._failure = error

    def _look_after(self, watched: Watched) -> None:
        process, now = watched.process, time.monotonic()
        if process.is_running or self._stop.is_set():
            return
        if watched.revive_at is None:
            if now - watched.started > STEADY_SECONDS:
                watched.crashes = 0
            if process.exit_code not in FROM_OUTSIDE:
                watched.crashes += 1
            if watched.crashes >= CRASHES_IN_A_ROW:
                raise StackError(
                    f"{process.name} crashes again and again: {process.describe_end()}"
                )
            delay = min(FIRST_DELAY_SECONDS * 2**watched.crashes, LONGEST_DELAY_SECONDS)
            watched.revive_at = now + delay
            self._tell(f"{process.describe_end()}; starting it again")
        if now >= watched.revive_at:
            watched.revive()
            watched.revive_at = None
            watched.started = time.monotonic()
