"""Command line: `python -m local_stack demo` and `python -m local_stack up`."""

import argparse
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape

from local_stack.demo import show_results
from local_stack.errors import StackError
from local_stack.example_jobs import create_example_jobs
from local_stack.paths import CHECKOUT, LOCAL
from local_stack.settings import read_settings
from local_stack.stack import Stack
from local_stack.tether import end_with_parent

WATCH_SECONDS = 0.5
WIDTH_IN_FILES = 120


class Interrupted(BaseException):
    """A signal asks this process to end; not an error, so nothing but `finally` sees it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m local_stack", description=__doc__)
    parser.add_argument("command", choices=("demo", "up"))
    parser.add_argument(
        "--end-with-parent", action="store_true", help="stop when the process that ran this ends"
    )
    parser.add_argument(
        "--directory", type=Path, help="for logs and data; default: .local/demo or .local/up"
    )
    options = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    if options.end_with_parent:
        end_with_parent(os.getppid(), signal.SIGTERM)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_IN_FILES)
    try:
        return _run(options.command, options.directory or LOCAL / options.command, console)
    except StackError as error:
        console.print(
            f"[bold red]{options.command} failed:[/] {escape(str(error))}", soft_wrap=True
        )
        return 1
    except Interrupted:
        console.print("stopped")
        return 0 if options.command == "up" else 130


def _interrupt(number: int, _frame: FrameType | None) -> None:
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C ends at once
    raise Interrupted(number)


def _run(command: str, directory: Path, console: Console) -> int:
    started = time.monotonic()

    def tell(line: str) -> None:
        elapsed = time.monotonic() - started
        console.print(f"[dim]{elapsed:6.1f} s[/]  {escape(line)}", soft_wrap=True)

    settings = read_settings()
    with _alone(directory, command):
        tell("starting")
        stack = Stack(settings, directory, tell, service_directory=CHECKOUT)
        with stack:
            jobs = create_example_jobs(stack)
            tell(f"{len(jobs)} example jobs created, waiting for their results")
            if command == "up":
                stack.run_traffic()
            failures = show_results(stack, jobs, console)
            if failures and command == "demo":
                raise StackError("; ".join(failures))
            for failure in failures:  # a chain of the user's lacks what the examples name
                console.print(f"[yellow]example job:[/] {escape(failure)}", soft_wrap=True)
            _show_places(stack, console)
            if command == "up":
                console.print("Ctrl-C stops everything.")
                while True:
                    stack.check()
                    time.sleep(WATCH_SECONDS)
            tell("stopping")
        tell("done: everything is stopped")
    return 0


def _show_places(stack: Stack, console: Console) -> None:
    places = {
        "API docs": f"{stack.url}/docs",
        "jobs": f"{stack.url}/jobs",
        "alerts": f"{stack.url}/alerts",
        "logs": str(stack.logs),
    }
    if stack.chain is not None:
        places["local chain"] = stack.chain.url
    for name, place in places.items():
        console.print(f"  {name:<12} {place}", soft_wrap=True)


@contextmanager
def _alone(directory: Path, command: str) -> Iterator[None]:
    """Hold the directory while the block runs; a process that ends in any way lets go of it."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                f"another `make {command}` uses {directory}: stop that one first"
            ) from None
        yield


if __name__ == "__main__":
    sys.exit(main())
