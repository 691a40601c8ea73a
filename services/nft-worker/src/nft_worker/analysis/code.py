"""What an account's code tells about it."""

import re

DELEGATION_PREFIX = "0xef0100"
"""EIP-7702: a wallet's own account that runs another contract's code. It stays a wallet."""

MINIMAL_PROXY_PREFIX = "0x363d3d373d3d3d363d"
"""ERC-1167: forwards every call to an address in the code itself."""

IMPLEMENTATION_SLOT = "360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
"""ERC-1967: the storage slot of an exchangeable implementation; its proxies name it in the code."""


def is_contract(code: str) -> bool:
    """Tell whether an account with this code (hex with `0x`) is a contract and not a wallet."""
    return len(code) > len("0x") and not code.startswith(DELEGATION_PREFIX)


def delegates_to_implementation(code: str) -> bool:
    """Tell whether code is a well-known kind of proxy; unusual proxies are not recognized."""
    return code.startswith(MINIMAL_PROXY_PREFIX) or IMPLEMENTATION_SLOT in code


SAFE_PROXY = re.compile("0x608060405273f{40}60005416(7fa619486e|36600080376000)")
"""Runtime code of the proxies of Safe: they delegate to the address in slot 0, and from version 1.1
on answer `masterCopy()` themselves. Source: GnosisSafeProxy.sol and Proxy.sol of safe-global."""


def is_safe_proxy(code: str) -> bool:
    """Tell whether code is that of a Safe, a wallet that several people may own."""
    return SAFE_PROXY.match(code) is not None
