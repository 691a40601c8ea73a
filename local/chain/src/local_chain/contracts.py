"""The compiled contracts that ship with the package, and the encoding of calls to them."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

ARTEFACTS = resources.files("local_chain") / "artefacts"
CONTRACT_NAMES = (
    "token",
    "collection",
    "editions",
    "wrapped_native",
    "bytes32_token",
    "marketplace",
    "vault",
)


@dataclass(frozen=True)
class Contract:
    """ABI and deploy bytecode of one compiled contract."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: bytes

    def encode_creation(self, *args: Any) -> bytes:
        """Return the bytecode followed by the encoded constructor arguments."""
        constructors = [entry for entry in self.abi if entry["type"] == "constructor"]
        types = [item["type"] for item in constructors[0]["inputs"]] if constructors else []
        return self.bytecode + encode(types, args)

    def encode_call(self, function: str, *args: Any) -> bytes:
        """Return the calldata of the function with this name and number of arguments.

        Raises:
            KeyError: The contract has no such function.
        """
        selector, types = _functions(self.name)[function, len(args)]
        return selector + encode(types, args)


@cache
def load_contract(name: str) -> Contract:
    """Read one of `CONTRACT_NAMES` from the package data."""
    artefact = json.loads((ARTEFACTS / f"{name}.json").read_text(encoding="utf-8"))
    return Contract(name, artefact["abi"], bytes.fromhex(artefact["bytecode"].removeprefix("0x")))


@cache
def multicall3_runtime_code() -> str:
    """Return the runtime code of Multicall3 as hex (mds1/multicall, MIT)."""
    return (ARTEFACTS / "multicall3.hex").read_text(encoding="utf-8").strip()


@cache
def _functions(contract: str) -> dict[tuple[str, int], tuple[bytes, list[str]]]:
    found = {}
    for entry in load_contract(contract).abi:
        if entry["type"] == "function":
            types = [item["type"] for item in entry["inputs"]]
            signature = f"{entry['name']}({','.join(types)})"
            found[entry["name"], len(types)] = keccak(text=signature)[:4], types
    return found
