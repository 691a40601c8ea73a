"""What the contracts of a wallet's tokens answer, in as few requests as they fit into."""

from collections.abc import Iterable

from common.actions.wallet_snapshot import WalletSnapshotOptions
from common.chain import abi
from common.chain.client import PinnedChain
from common.chain.proxies import fetch_implementations
from common.chain.punks import owner_of_punk
from common.chain.tokens import (
    decode_metadata,
    find_token_metadata,
    keep_token_metadata,
    metadata_calls,
)
from common.chain.types import Address, Call
from common.results.wallet_snapshot import LIST_CAP
from wallet_worker.analysis.behaviour import arrivals_to_probe
from wallet_worker.analysis.discovery import erc20_contracts, last_arrivals, nft_contracts
from wallet_worker.balances import plan_balances, settle_balances
from wallet_worker.index import find_probes, find_uris, keep_probes, keep_uris
from wallet_worker.models import ContractAnswers, History, Movement, TokenId
from wallet_worker.probes import fetch_probes
from wallet_worker.token_uris import fetch_token_uris


async def fetch_contract_answers(
    pinned: PinnedChain,
    wallet: Address,
    history: History,
    options: WalletSnapshotOptions,
) -> ContractAnswers:
    """Read what `options` ask for, as far as earlier runs do not know it.

    Raises:
        ChainError: The chain could not be read.
    """
    tokens = erc20_contracts(history)
    contracts = sorted({*tokens, *nft_contracts(history)})
    held = tokens if options.include_token_balances else []
    plan = await plan_balances(pinned, wallet, history, options)
    arrivals = last_arrivals(wallet, history) if options.include_nfts else {}
    owned = [key for key, arrival in arrivals.items() if arrival.standard != "erc1155"]
    editions = [key for key, arrival in arrivals.items() if arrival.standard == "erc1155"]
    known = await find_token_metadata(pinned, contracts)
    unknown = [each for each in contracts if each not in known]
    calls: list[Call] = [
        *(call for contract in unknown for call in metadata_calls(contract)),
        *(abi.balance_of(contract, wallet) for contract in plan.to_read),
        *(_owner_call(key, arrivals[key]) for key in owned),
        *(abi.balance_of_id(key[0], wallet, key[1]) for key in editions),
    ]
    answers = iter(await pinned.call_many(calls))
    metadata = {
        contract: decode_metadata(contract, next(answers), next(answers), next(answers))
        for contract in unknown
    }
    await keep_token_metadata(pinned, metadata)
    read = {contract: abi.decode_uint(next(answers)) for contract in plan.to_read}
    owners = {key: abi.decode_address(next(answers)) for key in owned}
    amounts = {key: abi.decode_uint(next(answers)) for key in editions}
    balances, carried = await settle_balances(pinned, wallet, plan, read)
    confirmed = [key for key, owner in owners.items() if owner == wallet]
    confirmed += [key for key, amount in amounts.items() if amount]
    shown = _newest(arrivals, confirmed)
    uris = await find_uris(pinned, shown)
    new_uris = await fetch_token_uris(
        pinned, {key: arrivals[key] for key in shown if key not in uris}
    )
    await keep_uris(pinned, new_uris)
    odd = arrivals_to_probe(wallet, history, balances)
    probes = await find_probes(pinned, wallet, odd)
    new_probes = await fetch_probes(
        pinned, wallet, {each: block for each, block in odd.items() if each not in probes}
    )
    await keep_probes(pinned, wallet, new_probes)
    return ContractAnswers(
        metadata=known | metadata,
        balances=balances,
        carried=carried,
        owners=owners,
        editions=amounts,
        implementations=await fetch_implementations(pinned, held),
        probes=probes | new_probes,
        uris=uris | new_uris,
    )


def _owner_call(key: TokenId, arrival: Movement) -> Call:
    return owner_of_punk(key[1]) if arrival.standard == "cryptopunks" else abi.owner_of(*key)


def _newest(arrivals: dict[TokenId, Movement], keys: Iterable[TokenId]) -> list[TokenId]:
    """The ids that the result lists: those that arrived last."""
    return sorted(keys, key=lambda key: arrivals[key].position, reverse=True)[:LIST_CAP]
