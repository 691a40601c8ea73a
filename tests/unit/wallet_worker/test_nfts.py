from collections.abc import Callable
from dataclasses import replace

from common.chain.types import Address, TokenMetadata
from wallet_worker.analysis.discovery import last_arrivals
from wallet_worker.analysis.nfts import nft_collections, nft_holdings
from wallet_worker.analysis.spam import name_suspicions
from wallet_worker.models import History, Movement, WalletReading

BuildMovement = Callable[..., Movement]
BuildReading = Callable[..., WalletReading]


def arrivals_of(wallet: Address, reading: WalletReading) -> dict[tuple[Address, int], Movement]:
    return last_arrivals(wallet, reading.history or History((), (), 0))


def test_what_logs_and_contracts_agree_on_is_held_newest_first(
    wallet: Address, a_movement: BuildMovement, a_reading: BuildReading
) -> None:
    first = a_movement(standard="erc721", token_id=7, amount=1, block_number=4)
    second = a_movement(standard="erc1155", token_id=2**255, amount=30, block_number=8)
    reading = a_reading([first, second])

    held, disputed = nft_holdings(wallet, arrivals_of(wallet, reading), reading.answers, 9, {}, 0.5)

    assert [(nft.token_id, nft.balance_raw, nft.standard) for nft in held] == [
        (str(2**255), "30", "erc1155"),
        ("7", "1", "erc721"),
    ]
    assert (held[1].acquired_block, held[1].acquired_tx) == (4, first.transaction_hash)
    assert all(nft.verified_owner for nft in held)
    assert disputed == []


def test_an_owner_who_is_somebody_else_is_a_dispute_and_no_holding(
    wallet: Address, friend: Address, a_movement: BuildMovement, a_reading: BuildReading
) -> None:
    logged = a_movement(standard="erc721", token_id=7, amount=1)
    reading = a_reading([logged])
    key = (logged.contract, 7)

    for stated_owner in (friend, None):
        answers = replace(reading.answers, owners={key: stated_owner})
        held, disputed = nft_holdings(wallet, arrivals_of(wallet, reading), answers, 9, {}, 0.5)

        assert held == []
        assert [(each.token_id, each.stated_owner) for each in disputed] == [("7", stated_owner)]


def test_an_edition_without_an_answer_is_disputed_and_a_zero_balance_was_passed_on(
    wallet: Address, a_movement: BuildMovement, a_reading: BuildReading
) -> None:
    silent = a_movement(standard="erc1155", token_id=1)
    gone = a_movement(standard="erc1155", token_id=2)
    reading = a_reading([silent, gone])
    answers = replace(reading.answers, editions={(silent.contract, 1): None, (gone.contract, 2): 0})

    held, disputed = nft_holdings(wallet, arrivals_of(wallet, reading), answers, 9, {}, 0.5)

    assert held == []
    assert [each.token_id for each in disputed] == ["1"]


def test_collections_count_token_ids_and_put_spam_last(
    wallet: Address,
    a_movement: BuildMovement,
    a_reading: BuildReading,
    metadata_of: Callable[..., TokenMetadata],
) -> None:
    honest, spam = Address("0x" + "a" * 40), Address("0x" + "b" * 40)
    movements = [
        a_movement(contract=contract, standard="erc721", token_id=number, amount=1)
        for contract, count in ((spam, 5), (honest, 2))
        for number in range(count)
    ]
    reading = a_reading(movements)
    metadata = {
        honest: metadata_of(honest, name="Creatures"),
        spam: metadata_of(spam, name="Claim your reward at best-nft.xyz"),
    }
    answers = replace(reading.answers, metadata=metadata)
    suspicions = {contract: name_suspicions(each) for contract, each in metadata.items()}

    held, _ = nft_holdings(wallet, arrivals_of(wallet, reading), answers, 9, suspicions, 0.5)

    assert [
        (each.collection_name, each.owned_count, each.spam.is_spam)
        for each in nft_collections(held)
    ] == [("Creatures", 2, False), ("Claim your reward at best-nft.xyz", 5, True)]
