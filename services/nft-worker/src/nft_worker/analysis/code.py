"""What an account's code tells about it."""

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
