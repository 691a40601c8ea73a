"""What is known of the chains of the world without asking them. No I/O but one packaged file."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from common.chain.types import Address

MULTICALL3 = Address("0xca11bde05977b3631167028862be2a173976ca11")
"""Where Multicall3 usually is."""

DEFAULT_CONFIRMATIONS = 30
_CONFIRMATIONS = {1: 65, 137: 200, 42161: 240}

_EXPLORERS = {
    1: "https://etherscan.io",
    10: "https://optimistic.etherscan.io",
    25: "https://cronoscan.com",
    56: "https://bscscan.com",
    100: "https://gnosisscan.io",
    130: "https://uniscan.xyz",
    137: "https://polygonscan.com",
    146: "https://sonicscan.org",
    250: "https://ftmscan.com",
    252: "https://fraxscan.com",
    324: "https://explorer.zksync.io",
    480: "https://worldscan.org",
    1101: "https://zkevm.polygonscan.com",
    1284: "https://moonscan.io",
    2741: "https://abscan.org",
    5000: "https://mantlescan.xyz",
    8453: "https://basescan.org",
    17000: "https://holesky.etherscan.io",
    34443: "https://explorer.mode.network",
    42161: "https://arbiscan.io",
    42220: "https://celoscan.io",
    43114: "https://snowtrace.io",
    57073: "https://explorer.inkonchain.com",
    59144: "https://lineascan.build",
    80002: "https://amoy.polygonscan.com",
    80094: "https://berascan.com",
    81457: "https://blastscan.io",
    84532: "https://sepolia.basescan.org",
    421614: "https://sepolia.arbiscan.io",
    534352: "https://scrollscan.com",
    11155111: "https://sepolia.etherscan.io",
    11155420: "https://sepolia-optimism.etherscan.io",
}


@dataclass(frozen=True, slots=True)
class KnownChain:
    """Facts of one chain.

    Attributes:
        chain_id: EIP-155 chain id.
        name: As people call it.
        currency: Name of its native coin.
        symbol: Symbol of its native coin.
        decimals: Digits after the point of an amount that people read. Balances and gas prices of
            nearly all chains count in 10**-18 all the same.
        is_testnet: Whether its coin is without value.
        explorer_url: Of a block explorer with pages /address/, /tx/ and /block/, without a slash
            at the end; None where none is known.
    """

    chain_id: int
    name: str
    currency: str
    symbol: str
    decimals: int
    is_testnet: bool
    explorer_url: str | None


def find_chain(chain_id: int) -> KnownChain | None:
    """The chain with that id; None for one that is not in the list, which is no mistake."""
    entry = _entries().get(chain_id)
    if entry is None:
        return None
    return KnownChain(
        chain_id=chain_id,
        name=str(entry["name"]),
        currency=str(entry["currency"]),
        symbol=str(entry["symbol"]),
        decimals=int(entry["decimals"]),
        is_testnet=bool(entry.get("isTestnet", False)),
        explorer_url=_EXPLORERS.get(chain_id),
    )


def confirmations(chain_id: int) -> int:
    """Depth below the head that counts as final where the node knows no `finalized`.

    Source: the depths that the indexer ponder uses (packages/core/src/utils/finality.ts).
    """
    return _CONFIRMATIONS.get(chain_id, DEFAULT_CONFIRMATIONS)


def multicall3_address(chain_id: int) -> Address:
    """Where Multicall3 is expected; its code must be compared before it is trusted."""
    entry = _entries().get(chain_id, {})
    return Address(str(entry.get("multicall3", MULTICALL3)))


@cache
def _entries() -> dict[int, dict[str, str | int | bool]]:
    text = files("common.chain").joinpath("data/chains.json").read_text(encoding="utf-8")
    return {entry["chainId"]: entry for entry in json.loads(text)}
