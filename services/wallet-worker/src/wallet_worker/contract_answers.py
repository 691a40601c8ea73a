"""What the contracts of a wallet's tokens answer, in as few requests as they fit into."""

from collections.abc import Iterable

from common.actions.wallet_snapshot import WalletSnapshotOptions
from common.chain import abi
from common.chain.client import PinnedChain
from common.chain.tokens import decode_metadata, metadata_calls
from common.chain.types import Address, Call, TokenMetadata
from common.results.wallet_snapshot import LIST_CAP
from wallet_worker.analysis.behaviour import arrivals_to_probe
from wallet_worker.analysis.discovery import erc20_contracts, last_arrivals, nft_contracts
from wallet_worker.index import Facts
from wallet_worker.models import ContractAnswers, History, Movement, TokenId
from wallet_worker.probes import fetch_probes
from wallet_worker.proxies import fetch_implementations
from wallet_worker.token_uris import fetch_token_uris


async def fetch_contract_answers(
    pinned: PinnedChain,
    wallet: Address,
    history: History,
    options: WalletSnapshotOptions,
    known: Facts,
    new: Facts,
) -> ContractAnswers:
    """Read what `options` ask for; what is `known` is not read again, the rest becomes `new`.

    Raises:
        ChainError: The chain could not be read.
    """
    tokens = erc20_contracts(history)
    contracts = sorted({*tokens, *nft_contracts(history)})
    held = tokens if options.include_token_balances else []
    arrivals = last_arrivals(wallet, history) if options.include_nfts else {}
    owned = [key for key, arrival in arrivals.items() if arrival.standard == "erc721"]
    editions = [key for key, arrival in arrivals.items() if arrival.standard == "erc1155"]
    unknown = [each for each in contracts if each not in known.metadata]
    calls: list[Call] = [
        *(call for contract in unknown for call in metadata_calls(contract)),
        *(abi.balance_of(contract, wallet) for contract in held),
        *(abi.owner_of(*key) for key in owned),
        *(abi.balance_of_id(key[0], wallet, key[1]) for key in editions),
    ]
    answers = iter(await pinned.call_many(calls))
    new.metadata = {
        contract: decode_metadata(contract, next(answers), next(answers), next(answers))
        for contract in unknown
    }
    metadata: dict[Address, TokenMetadata] = {**known.metadata, **new.metadata}
    balances = {contract: abi.decode_uint(next(answers)) for contract in held}
    owners = {key: abi.decode_address(next(answers)) for key in owned}
    amounts = {key: abi.decode_uint(next(answers)) for key in editions}
    confirmed = [key for key, owner in owners.items() if owner == wallet]
    confirmed += [key for key, amount in amounts.items() if amount]
    shown = _newest(arrivals, confirmed)
    new.uris = await fetch_token_uris(
        pinned, {key: arrivals[key] for key in shown if key not in known.uris}
    )
    uris = {**known.uris, **new.uris}
    odd = arrivals_to_probe(wallet, history, balances)
    probed = {
        contract: known.probes[contract]
        for contract, block in odd.items()
        if contract in known.probes and known.probes[contract][0] == block
    }
    new.probes = await fetch_probes(
        pinned,
        wallet,
        {contract: block for contract, block in odd.items() if contract not in probed},
    )
    new.implementations = await fetch_implementations(
        pinned, set(held) - known.implementations.keys()
    )
    implementations = {**known.implementations, **new.implementations}
    return ContractAnswers(
        metadata={contract: metadata[contract] for contract in contracts},
        balances=balances,
        owners=owners,
        editions=amounts,
        implementations={contract: implementations[contract] for contract in held},
        probes={**probed, **new.probes},
        uris={key: uris[key] for key in shown},
    )


def _newest(arrivals: dict[TokenId, Movement], keys: Iterable[TokenId]) -> list[TokenId]:
    """The ids that the result lists: those that arrived last."""
    return sorted(keys, key=lambda key: arrivals[key].position, reverse=True)[:LIST_CAP]
