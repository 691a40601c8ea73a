"""Shapes of NFT activity that fool analyses."""

from typing import TYPE_CHECKING

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from common.chain.transfers import TRANSFER_BATCH, TRANSFER_SINGLE, decode_transfers
from common.chain.types import Address, Log
from nft_worker.analysis.markets.fills import NATIVE, Fill, Item
from nft_worker.analysis.markets.punks import decode_punks
from nft_worker.analysis.sales import decode_sales
from nft_worker.models import PaidTransaction

if TYPE_CHECKING:
    from tests.unit.nft_worker.conftest import Story

EDITIONS = Address("0x" + "c0" * 20)
SELLER, BUYER, OPERATOR = (Address(f"0x{number:040x}") for number in (0xA, 0xB, 0xC))
UPGRADED = "0x" + keccak(text="Upgraded(address)").hex()


def topic(address: Address) -> str:
    return "0x" + address[2:].rjust(64, "0")


def batch(ids: list[int], amounts: list[int], at: int = 1) -> Log:
    data = "0x" + encode(["uint256[]", "uint256[]"], [ids, amounts]).hex()
    topics = (TRANSFER_BATCH, topic(OPERATOR), topic(SELLER), topic(BUYER))
    return Log(EDITIONS, topics, data, 1, "0x1", "0xt", 0, at)


def test_a_batch_of_a_thousand_ids_with_repetitions_keeps_each_entry_and_its_part() -> None:
    ids = [number % 900 for number in range(1_000)]
    moves = decode_transfers([batch(ids, [1] * 1_000)]).nft
    items = tuple(Item(EDITIONS, token_id) for token_id in ids)
    fill = Fill("seaport", 2, items, NATIVE, 1_000_003)

    paid = PaidTransaction(BUYER, 1_000_003, (), moves, (fill,))
    sales = list(decode_sales(moves, {"0xt": paid}, {1: 1}))

    assert len(moves) == len({(m.log_index, m.batch_index) for m in moves}) == len(sales) == 1_000
    assert sum(sale.price or 0 for sale in sales) == 1_000_003


def test_batches_that_are_empty_or_of_unequal_lengths_move_nothing() -> None:
    found = decode_transfers([batch([], []), batch([1, 2], [1]), batch([3], [0])])

    assert [(move.token_id, move.amount) for move in found.nft] == [(3, 0)]
    assert found.undecodable == 1


def test_a_sale_of_no_units_breaks_no_statistic(story: "Story") -> None:
    story.standard = "erc1155"
    story.move(1, "a", "b", hours=0, amount=0, sender="b", value=100)
    story.move(1, "a", "b", hours=1, amount=2, sender="b", value=100)

    found = story.analyze()

    assert (found.summary.sale_count, found.price_stats[0].median_raw) == (2, "50")


def test_an_upgrade_of_a_proxy_is_no_movement() -> None:
    upgraded = Log(EDITIONS, (UPGRADED, topic(OPERATOR)), "0x", 1, "0x1", "0xt", 0, 1)
    data = "0x" + encode(["uint256", "uint256"], [7, 1]).hex()
    topics = (TRANSFER_SINGLE, topic(OPERATOR), topic(SELLER), topic(BUYER))
    after = Log(EDITIONS, topics, data, 1, "0x1", "0xt", 0, 2)

    found = decode_transfers([upgraded, after])

    assert [move.token_id for move in found.nft] == [7]
    assert (found.undecodable, decode_punks([upgraded, after]).undecodable) == (0, 0)


def test_a_bundle_for_two_currencies_has_no_price_and_no_volume(story: "Story") -> None:
    digest = story.move(
        1,
        "a",
        "b",
        hours=0,
        sender="b",
        value=5,
        erc20=(("b", "a", 7),),
        also=((2, "a", "b"),),
    )

    found = story.analyze()

    assert {sale.transaction_hash for sale in found.sales} == {digest}
    assert found.summary.unpriced_sale_count == found.summary.sale_count == 2
    assert found.summary.volume_by_currency == []
