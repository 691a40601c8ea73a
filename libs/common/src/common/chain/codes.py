"""Code of contracts at the pinned block; what is kept of it is kept once for all that share it."""

from collections.abc import Collection

from eth_hash.auto import keccak

from common.chain.errors import ChainError
from common.chain.kept import BYTECODE, CODE, Kept
from common.chain.parsing import parse_data
from common.chain.requests import Request
from common.chain.rpc import RpcClient
from common.chain.types import Address, Block

NO_CODE = "0x"
_DELEGATION = "0xef0100"
"""Source: EIP-7702: an account points to code, for now."""


async def fetch_codes(
    rpc: RpcClient, block: Block, addresses: Collection[Address], kept: Kept
) -> dict[Address, str]:
    """Reads the code of each address as hex, `0x` where there is none; all are in the answer.

    Accounts without code, and those that delegate to some, may have other code in the next block:
    only that of contracts is kept.

    Raises:
        ChainError: The chain could not be read.
    """
    distinct = list(dict.fromkeys(addresses))
    hashes = await kept.find_facts(CODE, distinct)
    texts = await kept.find_facts(BYTECODE, set(hashes.values()))
    codes = {each: texts[hashes[each]] for each in distinct if hashes.get(each) in texts}
    missing = [address for address in distinct if address not in codes]
    answers = await rpc.call_batch(
        [Request("eth_getCode", (address, block), parse_data) for address in missing]
    )
    new: dict[Address, str] = {}
    for address, answer in zip(missing, answers, strict=True):
        if isinstance(answer, ChainError):
            raise answer
        new[address] = answer
    lasting = {
        address: code
        for address, code in new.items()
        if code != NO_CODE and not code.startswith(_DELEGATION)
    }
    by_hash = {_hash(code): code for code in set(lasting.values())}
    unknown = {digest: code for digest, code in by_hash.items() if digest not in texts}
    await kept.keep_facts(BYTECODE, unknown, dict.fromkeys(unknown, 0))
    await kept.keep_facts(CODE, {address: _hash(code) for address, code in lasting.items()})
    return {address: codes.get(address) or new[address] for address in distinct}


def _hash(code: str) -> str:
    return "0x" + keccak(bytes.fromhex(code[2:])).hex()
