"""Installs anvil, the EVM development node, from its npm package into the checkout."""

from pathlib import Path
from typing import Final

from local_stack.errors import StackError
from local_stack.npm import has_packages, install_packages
from local_stack.paths import CHECKOUT, LOCAL

VERSIONS: Final = {"@foundry-rs/anvil": "1.7.1"}
LOCKED: Final = CHECKOUT / "requirements" / "anvil"
SERVERS: Final = LOCAL / "servers"
WAY_OUT: Final = "set JOB_RUNNER_ANVIL to an anvil or RPC_URLS to a chain of yours"


def has_anvil_package() -> bool:
    """Return whether `install_anvil` answers at once."""
    return has_packages(SERVERS, VERSIONS)


def install_anvil() -> Path:
    """Return the checkout's anvil, installing it by npm the first time.

    Raises:
        StackError: npm failed, or has no anvil for this platform.
    """
    try:
        modules = install_packages(SERVERS, VERSIONS, locked=LOCKED)
    except StackError as error:
        raise StackError(f"{error}, or {WAY_OUT}") from error
    found = next(modules.glob("@foundry-rs/anvil-*/bin/anvil"), None)
    if found is None:
        raise StackError(
            f"the npm package of anvil has none for this platform: install Foundry, or {WAY_OUT}"
        )
    return found
