"""What the plan says about the wallet of the examples."""

from collections import Counter
from collections.abc import Sequence

from local_chain.addresses import (
    BYTES32_COIN,
    COLLECTION,
    EDITIONS,
    FLOW,
    FORMER_COIN,
    FRIEND,
    FRIEND_LOOK_ALIKE,
    STABLE,
    WALLET,
    WETH,
)
from local_chain.deployment import coin_metadata
from local_chain.execution import Executed
from local_chain.facts import CoinHolding, NftHolding, WalletFacts
from local_chain.ledger import Ledger
from local_chain.plan import NATIVE, Event, Pattern

COINS = (FLOW, STABLE, BYTES32_COIN, WETH, FORMER_COIN)
STANDARDS = {COLLECTION: "erc721", EDITIONS: "erc1155"}


def describe_wallet(executed: Sequence[Executed], ledger: Ledger) -> WalletFacts:
    """Return the facts about the wallet."""
    received, sent, passed_on = _count_transfers(executed)
    return WalletFacts(
        address=WALLET,
        native_wei=ledger.balance(NATIVE, WALLET),
        nonce=sum(each.transaction.sender == WALLET for each in executed),
        coins=tuple(_coin_holdings(ledger)),
        nfts=tuple(_nft_holdings(ledger)),
        transfers_in=received,
        transfers_out=sent,
        former_coin=FORMER_COIN,
        passed_on_token_id=passed_on,
        look_alike=FRIEND_LOOK_ALIKE,
        imitated=FRIEND,
        poisoning_tx_hashes=tuple(
            each.tx_hash for each in executed if each.transaction.pattern is Pattern.POISONING
        ),
    )


def _coin_holdings(ledger: Ledger) -> list[CoinHolding]:
    return [
        CoinHolding(coin, *coin_metadata(coin), balance)
        for coin in COINS
        if (balance := ledger.balance(coin, WALLET))
    ]


def _nft_holdings(ledger: Ledger) -> list[NftHolding]:
    return [
        NftHolding(collection, standard, token_id, quantity)
        for collection, standard in STANDARDS.items()
        for token_id in ledger.token_ids(collection)
        if (quantity := ledger.balance(collection, WALLET, token_id))
    ]


def _count_transfers(executed: Sequence[Executed]) -> tuple[dict[str, int], dict[str, int], int]:
    """Return the transfers in and out per contract, and the ERC-721 token that went out again."""
    received: Counter[str] = Counter()
    sent: Counter[str] = Counter()
    passed_on = []
    for each in executed:
        for movement in each.transaction.movements:
            if movement.event in (Event.NONE, Event.DEPOSIT, Event.WITHDRAWAL):
                continue
            received[movement.asset] += movement.receiver == WALLET
            sent[movement.asset] += movement.sender == WALLET
            if (movement.asset, movement.sender) == (COLLECTION, WALLET):
                passed_on.append(movement.token_id)
    (token_id,) = (each for each in passed_on if each is not None)
    return _positive(received), _positive(sent), token_id


def _positive(counts: Counter[str]) -> dict[str, int]:
    return {address: count for address, count in counts.items() if count}
