"""ENS names resolved at the pinned block.

Source: ERC-137: the registry names a name's resolver, the resolver its address. Names that a
resolver answers from outside the chain (ERC-3668), or for all names below one (ENSIP-10), are not
resolved.
"""

from eth_utils.crypto import keccak

from common.chain.abi import decode_address
from common.chain.client import PinnedChain
from common.chain.types import ZERO_ADDRESS, Address, Call
from common.errors import PayloadError

REGISTRY = Address("0x00000000000c2e074ec69a0dfb2997ba6c7d2e1e")
_RESOLVER = "0x0178b8bf"
_ADDR = "0x3b3b57de"


async def fetch_address_of(pinned: PinnedChain, name: str) -> Address:
    """Return the address that a name stood for at the pinned block.

    Raises:
        PayloadError: The chain has no ENS, or the name has no address there.
        ChainError: The chain could not be read.
    """
    where = f"at block {pinned.block.number} of chain {pinned.chain_id}"
    if await pinned.fetch_code(REGISTRY) == "0x":
        raise PayloadError(f"{name}: there is no ENS {where}: give the address")
    node = name_hash(name).hex()
    [resolver] = await pinned.call_many([Call(REGISTRY, _RESOLVER + node)])
    contract = decode_address(resolver)
    if contract is None or contract == ZERO_ADDRESS:
        raise PayloadError(f"the ENS name {name} does not exist {where}: give the address")
    [answer] = await pinned.call_many([Call(contract, _ADDR + node)])
    address = decode_address(answer)
    if address is None or address == ZERO_ADDRESS:
        raise PayloadError(f"the ENS name {name} names no address {where}: give the address")
    return address


def name_hash(name: str) -> bytes:
    """Return the namehash of a name in lower-case ASCII. Source: ERC-137."""
    node = bytes(32)
    for label in reversed(name.split(".")):
        node = keccak(node + keccak(text=label))
    return node
