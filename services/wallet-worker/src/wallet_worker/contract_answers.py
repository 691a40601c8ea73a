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
from common.chain.types import Address, Call, CallResult
from common.results.wallet_snapshot import LIST_CAP
from wallet_worker.analysis.behaviour import arrivals_to_probe
from wallet_worker.analysis.discovery import erc20_contracts, last_arrivals, nft_contracts
from wallet_worker.analysis.ledger import id_ledgers, token_ledgers
from wallet_worker.balances import Answered, plan_balances, settle_balances
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
    ledgers = token_ledgers(wallet, history.movements, history.wraps) if held else {}
    coins = await plan_balances(pinned, wallet, ledgers, options)
    arrivals = last_arrivals(wallet, history) if options.include_nfts else {}
    ids = await plan_balances(
        pinned, wallet, id_ledgers(wallet, history.movements, arrivals.keys()), options
    )
    known = await find_token_metadata(pinned, contracts)
    unknown = [each for each in contracts if each not in known]
    calls: list[Call] = [
        *(call for contract in unknown for call in metadata_calls(contract)),
        *(abi.balance_of(contract, wallet) for contract in coins.to_read),
        *(_id_call(wallet, key, arrivals[key]) for key in ids.to_read),
    ]
    answers = iter(await pinned.call_many(calls))
    metadata = {
        contract: decode_metadata(contract, next(answers), next(answers), next(answers))
        for contract in unknown
    }
    await keep_token_metadata(pinned, metadata)
    balances, carried = await settle_balances(
        pinned,
        wallet,
        coins,
        {contract: (abi.decode_uint(next(answers)), None) for contract in coins.to_read},
    )
    holdings, carried_ids = await settle_balances(
        pinned,
        wallet,
        ids,
        {key: _id_answer(wallet, arrivals[key], next(answers)) for key in ids.to_read},
    )
    confirmed = [key for key, each in holdings.items() if each.amount]
    shown = _newest(arrivals, confirmed)
    uris = await find_uris(pinned, shown)
    new_uris = await fetch_token_uris(
        pinned, {key: arrivals[key] for key in shown if key not in uris}
    )
    await keep_uris(pinned, new_uris)
    odd = arrivals_to_probe(
        wallet, history, {contract: each.amount for contract, each in balances.items()}
    )
    probes = await find_probes(pinned, wallet, odd)
    new_probes = await fetch_probes(
        pinned, wallet, {each: block for each, block in odd.items() if each not in probes}
    )
    await keep_probes(pinned, wallet, new_probes)
    return ContractAnswers(
        metadata=known | metadata,
        balances={contract: each.amount for contract, each in balances.items()},
        carried=carried,
        carried_ids=carried_ids,
        owners={
            key: each.owner for key, each in holdings.items() if not _is_edition(arrivals[key])
        },
        editions={key: each.amount for key, each in holdings.items() if _is_edition(arrivals[key])},
        implementations=await fetch_implementations(pinned, held),
        probes=probes | new_probes,
        uris=uris | new_uris,
    )


def _is_edition(arrival: Movement) -> bool:
    return arrival.standard == "erc1155"


def _id_call(wallet: Address, key: TokenId, arrival: Movement) -> Call:
    contract, token_id = key
    if _is_edition(arrival):
        return abi.balance_of_id(contract, wallet, token_id)
    if arrival.standard == "cryptopunks":
        return owner_of_punk(token_id)
    return abi.owner_of(contract, token_id)


def _id_answer(wallet: Address, arrival: Movement, answer: CallResult) -> Answered:
    if _is_edition(arrival):
        return abi.decode_uint(answer), None
    owner = abi.decode_address(answer)
    return None if owner is None else int(owner == wallet), owner


def _newest(arrivals: dict[TokenId, Movement], keys: Iterable[TokenId]) -> list[TokenId]:
    """The ids that the result lists: those that arrived last."""
    return sorted(keys, key=lambda key: arrivals[key].position, reverse=True)[:LIST_CAP]
