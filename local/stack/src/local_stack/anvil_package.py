"""Installs anvil, the EVM development node, from its npm package into the checkout."""

from pathlib import Path
from typing import Final

from local_stack.errors import StackError
from local_stack.npm import install_packages
from local_stack.paths import LOCAL

PACKAGE: Final = "@foundry-rs/anvil"
VERSION: Final = "1.7.1"
WAY_OUT: Final = "set JOB_RUNNER_ANVIL to an anvil or RPC_URLS to a chain of yours"


def install_anvil() -> Path:
    """Return the checkout's anvil, installing it by npm the first time.

    Raises:
        StackError: npm failed, or has no anvil for this platform.
    """
    try:
        modules = install_packages(LOCAL / "servers", {PACKAGE: VERSION})
    except StackError as error:
        raise StackError(f"{error}, or {WAY_OUT}") from error
    found = next(modules.glob("@foundry-rs/anvil-*/bin/anvil"), None)
    if found is None:
        raise StackError(
            f"npm package {PACKAGE}@{VERSION} has no anvil for this platform: install Foundry, "
            f"or {WAY_OUT}"
        )
    return found
