"""What the worker itself derives and keeps between runs; all else is kept behind `PinnedChain`.

All of it holds from a block of the chain on, and vanishes when a reorg replaces that.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, astuple
from typing import TypeVar

from common.chain.client import PinnedChain
from common.chain.kept import Kind
from common.chain.types import Address, Receipt
from wallet_worker.models import KnownBalance, NativeSearch, Payment, Probe, TokenId

TokenT = TypeVar("TokenT", Address, TokenId)

SEARCH = Kind("walletSearch")
"""What searches for native transactions have found, by wallet."""
BALANCE = Kind("walletBalance")
"""Balances as they were last read, by wallet, contract and token id."""
PROBE = Kind("walletProbe")
"""Balances around the last arrival of a token, by wallet and contract."""
BATCH = Kind("transferBatches")
"""Transfers by contract in a transaction, where they are several, by transaction hash."""
URI = Kind("tokenUri", may_change=True)
"""Where the metadata of a token id are, by contract and id."""


async def find_search(pinned: PinnedChain, wallet: Address) -> tuple[NativeSearch | None, int]:
    """Return what earlier searches have found, and the last block of them, -1 for none."""
    found = (await pinned.kept.find_facts(SEARCH, [wallet])).get(wallet)
    if found is None:
        return None, -1
    fields = dict(found["search"])
    fields["places"] = {digest: tuple(place) for digest, place in fields["places"].items()}
    fields["payments"] = tuple(Payment(**each) for each in fields["payments"])
    if fields["settled"] is not None:
        fields["settled"] = tuple(fields["settled"])
    return NativeSearch(**fields), found["to"]


async def keep_search(pinned: PinnedChain, wallet: Address, search: NativeSearch) -> None:
    """Keep all that has been found up to the pinned block."""
    data = {"search": asdict(search), "to": pinned.block.number}
    await pinned.kept.keep_facts(SEARCH, {wallet: data})


async def find_balances(
    pinned: PinnedChain, wallet: Address, tokens: Collection[TokenT]
) -> dict[TokenT, KnownBalance]:
    """Return what earlier runs have read at the pinned block or before."""
    names = {_balance_name(wallet, token): token for token in tokens}
    found = await pinned.kept.find_facts(BALANCE, names)
    return {names[name]: KnownBalance(*fields) for name, fields in found.items()}


async def keep_balances(
    pinned: PinnedChain, wallet: Address, balances: Mapping[TokenT, KnownBalance]
) -> None:
    """Keep what has been read at the pinned block."""
    facts = {_balance_name(wallet, token): astuple(each) for token, each in balances.items()}
    await pinned.kept.keep_facts(BALANCE, facts)


def _balance_name(wallet: Address, token: Address | TokenId) -> str:
    parts = (token,) if isinstance(token, str) else token
    return "/".join((wallet, *map(str, parts)))


async def find_probes(
    pinned: PinnedChain, wallet: Address, arrivals: Mapping[Address, int]
) -> dict[Address, tuple[int, Probe]]:
    """Return what is known of each token whose last arrival is still that of the given block."""
    names = {f"{wallet}/{contract}": contract for contract in arrivals}
    found = await pinned.kept.find_facts(PROBE, names)
    return {
        names[name]: (block, Probe(before, after))
        for name, (block, before, after) in found.items()
        if block == arrivals[names[name]]
    }


async def keep_probes(
    pinned: PinnedChain, wallet: Address, probes: Mapping[Address, tuple[int, Probe]]
) -> None:
    """Keep the balances around arrivals."""
    facts = {
        f"{wallet}/{contract}": [block, probe.before, probe.after]
        for contract, (block, probe) in probes.items()
    }
    blocks = {f"{wallet}/{contract}": block for contract, (block, _) in probes.items()}
    await pinned.kept.keep_facts(PROBE, facts, blocks)


async def find_batches(
    pinned: PinnedChain, hashes: Collection[str]
) -> dict[str, dict[Address, int]]:
    """Return the large batches in each transaction whose receipt has been read before."""
    return await pinned.kept.find_facts(BATCH, hashes)


async def keep_batches(
    pinned: PinnedChain,
    batches: Mapping[str, Mapping[Address, int]],
    receipts: Mapping[str, Receipt],
) -> None:
    """Keep the large batches in each of these transactions, mostly none."""
    blocks = {digest: receipts[digest].block_number for digest in batches}
    await pinned.kept.keep_facts(BATCH, batches, blocks)


async def find_uris(pinned: PinnedChain, tokens: Collection[TokenId]) -> dict[TokenId, str | None]:
    """Return what contracts have said of these ids not long ago."""
    names = {f"{contract}-{token_id}": (contract, token_id) for contract, token_id in tokens}
    found = await pinned.kept.find_facts(URI, names)
    return {names[name]: uri for name, uri in found.items()}


async def keep_uris(pinned: PinnedChain, uris: Mapping[TokenId, str | None]) -> None:
    """Keep what contracts say of ids."""
    facts = {f"{contract}-{token_id}": uri for (contract, token_id), uri in uris.items()}
    await pinned.kept.keep_facts(URI, facts)
