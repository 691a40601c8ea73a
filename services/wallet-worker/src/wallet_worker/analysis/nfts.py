"""NFT holdings: what the logs gave to the wallet and the contracts confirm."""

from collections import Counter
from collections.abc import Mapping, Sequence

from common.chain.types import Address
from common.results.wallet_snapshot import DisputedNft, NftCollection, NftHolding, NftStandard
from wallet_worker.analysis.spam import Suspicion, spam_mark
from wallet_worker.models import ContractAnswers, Movement, TokenId


def nft_holdings(
    wallet: Address,
    arrivals: Mapping[TokenId, Movement],
    answers: ContractAnswers,
    block: int,
    suspicions: Mapping[Address, Sequence[Suspicion]],
    spam_score: float,
) -> tuple[list[NftHolding], list[DisputedNft]]:
    """Sort what may be there into what the contracts confirm and what they dispute.

    An ERC-1155 id of which the contract states zero has simply been passed on; one for which the
    contract gives no answer is disputed. Both lists: newest arrival first.

    Args:
        wallet: The wallet.
        arrivals: Latest transfer in of each id that may be there.
        answers: What the contracts state.
        block: Block of the snapshot.
        suspicions: By collection; all its tokens share them.
        spam_score: Score from which a collection is spam.
    """
    held: list[NftHolding] = []
    disputed: list[DisputedNft] = []
    newest_first = sorted(arrivals.items(), key=lambda item: item[1].position, reverse=True)
    for key, arrival in newest_first:
        contract, token_id = key
        verified = answers.carried_ids.get(key, block)
        amount = _confirmed_amount(wallet, key, arrival, answers)
        if amount is None:
            disputed.append(_disputed(key, arrival, verified, answers.owners.get(key)))
        elif amount > 0:
            held.append(
                NftHolding(
                    contract_address=contract,
                    standard=nft_standard(arrival),
                    collection_name=answers.metadata[contract].name,
                    token_id=str(token_id),
                    balance_raw=str(amount),
                    acquired_block=arrival.block_number,
                    acquired_tx=arrival.transaction_hash,
                    token_uri=answers.uris.get(key),
                    verified_owner=True,
                    verified_block=verified,
                    spam=spam_mark(suspicions.get(contract, ()), spam_score),
                )
            )
    return held, disputed


def _confirmed_amount(
    wallet: Address, key: TokenId, arrival: Movement, answers: ContractAnswers
) -> int | None:
    if arrival.standard == "erc1155":
        return answers.editions[key]
    return 1 if answers.owners[key] == wallet else None


def _disputed(
    key: TokenId, arrival: Movement, verified_block: int, stated_owner: Address | None
) -> DisputedNft:
    return DisputedNft(
        contract_address=key[0],
        standard=nft_standard(arrival),
        token_id=str(key[1]),
        acquired_block=arrival.block_number,
        acquired_tx=arrival.transaction_hash,
        verified_block=verified_block,
        stated_owner=stated_owner,
    )


def nft_standard(movement: Movement) -> NftStandard:
    """Return the standard of a movement that has a token id."""
    return "erc721" if movement.standard == "erc20" else movement.standard


def nft_collections(held: list[NftHolding]) -> list[NftCollection]:
    """Return the collections of the tokens held: no spam first, then the largest first."""
    counts = Counter(nft.contract_address for nft in held)
    samples = {nft.contract_address: nft for nft in held}
    collections = [
        NftCollection(
            contract_address=contract,
            standard=samples[contract].standard,
            collection_name=samples[contract].collection_name,
            owned_count=count,
            spam=samples[contract].spam,
        )
        for contract, count in counts.items()
    ]
    return sorted(
        collections, key=lambda each: (each.spam.is_spam, -each.owned_count, each.contract_address)
    )
