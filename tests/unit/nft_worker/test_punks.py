"""CryptoPunks: logs built from the events' ABI, as the contract writes them."""

from collections.abc import Sequence

import pytest
from eth_utils.crypto import keccak

from common.chain.punks import ASSIGN, COLLECTION, PUNK_BOUGHT, PUNK_TRANSFER
from common.chain.transfers import TRANSFER
from common.chain.types import ZERO_ADDRESS, Address, Log
from nft_worker.analysis.markets import punks
from nft_worker.analysis.markets.fills import NATIVE, Fill, Item

SELLER, BUYER = Address("0x" + "0a" * 20), Address("0x" + "0b" * 20)


def word(value: int | str) -> str:
    return f"0x{int(value, 16) if isinstance(value, str) else value:064x}"


def log(topics: Sequence[str | int], value: int, at: int, block: int = 5) -> Log:
    first, *others = topics
    own = (str(first), *map(word, others))
    return Log(COLLECTION, own, word(value), block, "0x1", f"0xt{block}", 0, at)


def unit(sender: Address, recipient: Address, at: int) -> Log:
    return log((TRANSFER, sender, recipient), 1, at)


def bid(punk: int, value: int, at: int, block: int) -> Log:
    return log((punks.PUNK_BID_ENTERED, punk, BUYER), value, at, block)


@pytest.mark.parametrize(
    ("topic", "event"),
    [
        (ASSIGN, "Assign(address,uint256)"),
        (PUNK_TRANSFER, "PunkTransfer(address,address,uint256)"),
        (PUNK_BOUGHT, "PunkBought(uint256,uint256,address,address)"),
        (punks.PUNK_BID_ENTERED, "PunkBidEntered(uint256,uint256,address)"),
    ],
)
def test_a_topic_is_the_hash_of_its_event(topic: str, event: str) -> None:
    assert topic == "0x" + keccak(text=event).hex()


def test_a_claim_is_a_mint_and_a_transfer_is_no_sale() -> None:
    found = punks.decode_punks(
        [
            log((ASSIGN, SELLER), 7, 1),
            unit(SELLER, BUYER, 2),
            log((PUNK_TRANSFER, SELLER, BUYER), 7, 3),
        ]
    )

    assert [(m.token_id, m.sender, m.recipient) for m in found.transfers] == [
        (7, ZERO_ADDRESS, SELLER),
        (7, SELLER, BUYER),
    ]
    assert (found.fills, found.accepted_bids, found.undecodable) == ((), (), 0)


def test_a_purchase_has_the_price_of_its_event() -> None:
    found = punks.decode_punks(
        [unit(SELLER, BUYER, 1), log((PUNK_BOUGHT, 7, SELLER, BUYER), 99, 3)]
    )

    assert found.fills == (Fill("cryptopunks", 3, (Item(COLLECTION, 7),), NATIVE, 99),)
    assert [(m.sender, m.recipient) for m in found.transfers] == [(SELLER, BUYER)]


def test_an_accepted_bid_has_the_buyer_of_the_unit_and_the_price_of_the_newest_bid() -> None:
    found = punks.decode_punks(
        [unit(SELLER, BUYER, 1), log((PUNK_BOUGHT, 7, SELLER, ZERO_ADDRESS), 0, 2)]
    )
    bids = [bid(7, 50, 1, 1), bid(8, 70, 2, 1), bid(7, 60, 0, 5), bid(7, 80, 3, 5)]

    fills = punks.fills_of_bids(found.accepted_bids, bids)

    assert [(m.sender, m.recipient) for m in found.transfers] == [(SELLER, BUYER)]
    assert found.fills == ()
    assert [(fill.price, fill.log_index) for fill in fills["0xt5"]] == [(60, 2)]
    assert punks.fills_of_bids(found.accepted_bids, []) == {}


def test_logs_of_another_contract_and_malformed_ones_move_no_punk() -> None:
    bought = log((PUNK_BOUGHT, 7, SELLER, BUYER), 99, 3)
    elsewhere = Log(BUYER, bought.topics, bought.data, 5, "0x1", "0xt5", 0, 3)
    cut = Log(COLLECTION, bought.topics, "0x", 5, "0x1", "0xt5", 0, 3)

    assert punks.decode_punks([elsewhere]).transfers == ()
    assert punks.decode_punks([cut]).undecodable == 1
