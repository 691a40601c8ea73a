"""A child process with a log file that cannot outlive this process."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local_stack import tether
from local_stack.errors import StackError

# The kernel ties a child to the thread that made it, so one thread that lives as long as this
# process makes them all: callers may come from short-lived threads.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")

LOG_TAIL_BYTES = 16_384
SAID_CHARACTERS = 300


class ChildProcess:
    """One program in a process group of its own; may be started again after it ended."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log_path: Path,
        *,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        """Describe the process; nothing is started yet.

        Args:
            name: What users call it.
            command: Program and arguments.
            log_path: File that its output is appended to.
            environment: All of its environment; this process's own when None.
            directory: Its working directory; this process's own when None.
        """
        self.name = name
        self.command = [str(part) for part in command]
        self.log_path = log_path
        self._environment = environment
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the program.

        Raises:
            StackError: It runs already.
        """
        if self.is_running:
            raise StackError(f"{self.name} runs already (process {self.pid}): stop it first")
        self._process = _SPAWNER.submit(self._spawn).result()

    def _spawn(self) -> subprocess.Popen[bytes]:
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        tied = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *self.command]
        with self.log_path.open("ab") as log:
            return subprocess.Popen(  # noqa: S603  # commands are our own
                tied,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._directory,
                start_new_session=True,  # Ctrl-C reaches this process only, which ends the others
            )

    @property
    def pid(self) -> int | None:
        """Process id of the latest start, None before the first."""
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """How it ended (negative: the signal that ended it), None while it runs or never ran."""
        return self._process.poll() if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether the program runs now."""
        return self._process is not None and self._process.poll() is None

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """End it cleanly (SIGTERM), or by force when it takes longer than the timeout."""
        if self._process is None or not self.is_running:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self.kill()

    def kill(self) -> None:
        """End it and everything in its process group at once (SIGKILL); waits until it is gone."""
        if self._process is None or not self.is_running:
            return
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def send_signal(self, signal_number: int) -> None:
        """Send a signal, such as SIGSTOP, to the running process."""
        if self._process is not None:
            self._process.send_signal(signal_number)

    def last_log_line(self) -> str:
        """Return the last line that it wrote and that is not blank, or an empty string."""
        if not self.log_path.exists():
            return ""
        with self.log_path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def describe_end(self) -> str:
        """Return in one line how it ended, what it said last, and where its log is."""
        code = self.exit_code
        if code is not None and code < 0:
            how = f"killed by {signal.Signals(-code).name}"
        else:
            said = self.last_log_line()[:SAID_CHARACTERS]
            how = f"exit code {code}{f': {said}' if said else ''}"
        return f"{self.name} ended ({how}; log: {self.log_path})"
