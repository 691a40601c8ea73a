"""Puts the contracts at their fixed addresses.

A contract's address normally follows from its deployer, so the addresses that the examples name
cannot be had by deploying. Instead the creation code is made the code of the wanted address and
called there: the constructor runs in a real transaction, writes its storage and logs its events
under that address, and what it returns is the code to leave there.
"""

from datetime import datetime
from typing import Any

from local_chain.addresses import (
    BYTES32_COIN,
    COLLECTION,
    CREATOR,
    EDITIONS,
    FLOW,
    FORMER_COIN,
    MARKETPLACE,
    MULTICALL3,
    STABLE,
    VAULT,
    WETH,
)
from local_chain.contracts import load_contract, multicall3_runtime_code
from local_chain.execution import BlockMaker, Executed
from local_chain.node import Node
from local_chain.plan import Transaction

CONSTRUCTOR_GAS = 3_000_000

# Address -> contract and constructor arguments.
DEPLOYMENTS: dict[str, tuple[str, tuple[Any, ...]]] = {
    FLOW: ("token", ("Flow Token", "FLOW", 18)),
    STABLE: ("token", ("Local Dollar", "USDL", 6)),
    FORMER_COIN: ("token", ("Bygone Token", "GONE", 18)),
    BYTES32_COIN: ("bytes32_token", (b"Old Gem".ljust(32, b"\0"), b"OGEM".ljust(32, b"\0"))),
    WETH: ("wrapped_native", ()),
    COLLECTION: ("collection", ("Local Creatures", "CRTR", "ipfs://local-creatures/")),
    EDITIONS: ("editions", ("Local Editions", "EDTN", "ipfs://local-editions/{id}")),
    MARKETPLACE: ("marketplace", (WETH,)),
    VAULT: ("vault", ()),
}


def deploy(node: Node, blocks: BlockMaker, timestamp: datetime) -> list[Executed]:
    """Place every contract in one block, owned by the creator.

    Raises:
        RpcError: The node is no anvil, or a constructor failed.
    """
    creation_codes = {
        address: "0x" + load_contract(name).encode_creation(*args).hex()
        for address, (name, args) in DEPLOYMENTS.items()
    }
    node.batch([("anvil_setCode", [address, code]) for address, code in creation_codes.items()])
    runtime_codes = node.batch(
        [
            ("eth_call", [{"from": CREATOR, "to": address, "gas": hex(CONSTRUCTOR_GAS)}, "latest"])
            for address in creation_codes
        ]
    )
    executed = blocks.mine(
        timestamp,
        [Transaction(CREATOR, address, gas=CONSTRUCTOR_GAS) for address in creation_codes],
    )
    codes = dict(zip(creation_codes, runtime_codes, strict=True))
    codes[MULTICALL3] = multicall3_runtime_code()
    node.batch([("anvil_setCode", [address, code]) for address, code in codes.items()])
    return executed


def coin_metadata(address: str) -> tuple[str, str, int]:
    """Return name, symbol and decimals of one of the ERC-20 contracts."""
    if address == WETH:
        return "Wrapped Ether", "WETH", 18
    _, args = DEPLOYMENTS[address]
    if address == BYTES32_COIN:
        return args[0].rstrip(b"\0").decode(), args[1].rstrip(b"\0").decode(), 18
    name, symbol, decimals = args
    return name, symbol, decimals
