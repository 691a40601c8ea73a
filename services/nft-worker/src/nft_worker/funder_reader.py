"""Finds who sent a wallet its first native coin: asked for few wallets, as it costs many calls."""

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from common.chain.client import PinnedChain
from common.chain.errors import (
    ChainError,
    InvalidRequest,
    MissingState,
    PrunedHistory,
    RangeTooLarge,
    ResultTooLarge,
    Unauthorized,
    UnsupportedMethod,
)
from common.chain.parsing import parse_quantity
from common.chain.requests import Request
from common.chain.types import Address
from common.labels.label import LabelKind
from common.labels.reading import load_labels
from nft_worker.account_reader import fetch_contracts
from nft_worker.analysis.funding_traces import first_payer_of_block, first_payer_of_traces
from nft_worker.funder_memory import FunderMemory
from nft_worker.models import Funding, Fundings

SERVICE_KINDS: frozenset[LabelKind] = frozenset({"exchange", "bridge", "mixer"})
SERVICE_NONCE = 10_000
"""Transactions from which on a sender is taken for a service: labels do not name every exchange's
wallets, and no person sends that many. This project's cut."""

TRACES_PER_WALLET = 50
"""First transfers to a wallet that are looked at for one with value."""

NOT_OFFERED = (
    InvalidRequest,
    MissingState,
    PrunedHistory,
    RangeTooLarge,
    ResultTooLarge,
    Unauthorized,
    UnsupportedMethod,
)
"""How endpoints fail that do not serve a method, or a block, which not every node has."""

T = TypeVar("T")


async def fetch_fundings(
    pinned: PinnedChain, memory: FunderMemory, wallets: Sequence[Address], total: int
) -> Fundings:
    """Return who first funded some wallets, services left out.

    Two ways, the cheaper first: `trace_filter` (Erigon, Nethermind, anvil), one call a wallet; or
    the block in which the account came to life, by bisection of its balance and nonce on an
    archive node, about 50 calls a wallet, and who paid it in that block.

    Args:
        pinned: The chain.
        memory: What earlier runs found.
        wallets: The wallets.
        total: How many wallets there would have been to look up.

    Raises:
        ChainError: The chain could not be read at all.
    """
    known = await memory.find(wallets)
    missing = [wallet for wallet in wallets if wallet not in known]
    traced, untraced = await _fetch_traced(pinned, missing)
    bisected, unknown = await _fetch_by_bisection(pinned, untraced)
    found = traced | bisected
    await memory.keep(found)
    funded = {wallet: funding for wallet, funding in (known | found).items() if funding is not None}
    services = await _fetch_services(pinned, {funding.funder for funding in funded.values()})
    return Fundings(
        {wallet: each for wallet, each in funded.items() if each.funder not in services},
        _not_evaluated(len(wallets), total, len(unknown)),
    )


def _not_evaluated(asked: int, total: int, unknown: int) -> str | None:
    if asked == 0 and total:
        return f"funderWallets is 0: {total} wallets of suspicious sales were not looked up"
    if unknown:
        return (
            f"the first funder of {unknown} of {asked} wallets is not known: it takes an endpoint "
            "that offers trace_filter, or an archive node"
        )
    if asked < total:
        return (
            f"{asked} of {total} wallets of suspicious sales were looked up, those with most of "
            "them: raise funderWallets for more"
        )
    return None


async def _fetch_traced(
    pinned: PinnedChain, wallets: Sequence[Address]
) -> tuple[dict[Address, Funding | None], list[Address]]:
    """Return what traces tell, and the wallets of which they tell nothing."""
    last = hex(pinned.block.number)
    answers = await _ask(
        pinned,
        [
            Request(
                "trace_filter",
                (
                    {
                        "fromBlock": "0x0",
                        "toBlock": last,
                        "toAddress": [wallet],
                        "after": 0,
                        "count": TRACES_PER_WALLET,
                    },
                ),
                first_payer_of_traces(wallet),
            )
            for wallet in wallets
        ],
    )
    found = {
        wallet: answer
        for wallet, answer in zip(wallets, answers, strict=True)
        if isinstance(answer, Funding)
    }
    held = await _fetch_states(
        pinned, "eth_getBalance", {wallet: each.block_number - 1 for wallet, each in found.items()}
    )
    # a balance before came from elsewhere: genesis, a block's reward, a validator's withdrawal
    return (
        {wallet: None if held.get(wallet) else each for wallet, each in found.items()},
        [wallet for wallet in wallets if wallet not in found],
    )


async def _fetch_by_bisection(
    pinned: PinnedChain, wallets: Sequence[Address]
) -> tuple[dict[Address, Funding | None], list[Address]]:
    """Return what the states of accounts tell, and the wallets of which they tell nothing.

    An account with a balance or a sent transaction has been funded, and stays so.
    """
    low = dict.fromkeys(wallets, 0)  # the first block with coin is in low..high
    high = dict.fromkeys(wallets, pinned.block.number)
    unknown: set[Address] = set()
    while undecided := [each for each in wallets if low[each] < high[each] and each not in unknown]:
        middle = {wallet: (low[wallet] + high[wallet]) // 2 for wallet in undecided}
        balances = await _fetch_states(pinned, "eth_getBalance", middle)
        nonces = await _fetch_states(pinned, "eth_getTransactionCount", middle)
        for wallet, number in middle.items():
            if wallet not in balances or wallet not in nonces:
                unknown.add(wallet)
            elif balances[wallet] or nonces[wallet]:
                high[wallet] = number
            else:
                low[wallet] = number + 1
    found: dict[Address, Funding | None] = {}
    for wallet in wallets:
        if wallet in unknown:
            continue
        if high[wallet] == 0:
            found[wallet] = None  # it had coin from the beginning of the chain
            continue
        [answer] = await _ask(
            pinned,
            [
                Request(
                    "eth_getBlockByNumber",
                    (hex(high[wallet]), True),
                    first_payer_of_block(wallet, high[wallet]),
                )
            ],
        )
        if isinstance(answer, ChainError):
            unknown.add(wallet)
        elif answer is not None:
            found[wallet] = answer
        else:
            inside = await _fetch_inside(pinned, wallet, high[wallet])
            if isinstance(inside, ChainError):
                unknown.add(wallet)
            else:
                found[wallet] = inside
    return found, sorted(unknown)


async def _fetch_inside(
    pinned: PinnedChain, wallet: Address, number: int
) -> Funding | ChainError | None:
    """Return who paid a wallet from inside a transaction; None where nobody did (a reward)."""
    request = Request("trace_block", (hex(number),), first_payer_of_traces(wallet))
    [answer] = await _ask(pinned, [request])
    return answer


async def _fetch_states(
    pinned: PinnedChain, method: str, at: Mapping[Address, int]
) -> dict[Address, int]:
    """Return what `method` answers for accounts at blocks; those without an answer are absent."""
    answers = await _ask(
        pinned,
        [Request(method, (wallet, hex(number)), parse_quantity) for wallet, number in at.items()],
    )
    return {
        wallet: answer
        for wallet, answer in zip(at, answers, strict=True)
        if not isinstance(answer, ChainError)
    }


async def _fetch_services(pinned: PinnedChain, funders: Collection[Address]) -> frozenset[Address]:
    """Return the funders that serve anybody: labelled ones, contracts, very busy senders."""
    labels = load_labels().get(pinned.chain_id, {})
    labelled = {each for each in funders if each in labels and labels[each].kind in SERVICE_KINDS}
    others = sorted(set(funders) - labelled)
    nonces = await _fetch_states(
        pinned, "eth_getTransactionCount", dict.fromkeys(others, pinned.block.number)
    )
    busy = {each for each in others if nonces.get(each, 0) >= SERVICE_NONCE}
    return frozenset(labelled | busy) | await fetch_contracts(pinned, others)


async def _ask(pinned: PinnedChain, requests: Sequence[Request[T]]) -> list[T | ChainError]:
    """Return the answers of optional calls; where the endpoints refuse them, their errors."""
    if not requests:
        return []
    try:
        return await pinned.call_batch(requests)
    except NOT_OFFERED as error:
        return [error] * len(requests)
