"""Logs of transfers and of marketplace orders, built from the ABI of each event."""

from collections.abc import Sequence
from typing import Any

from eth_abi.abi import encode

from common.chain.transfers import TRANSFER, decode_transfers
from common.chain.types import Address, Log
from nft_worker.analysis.markets import seaport
from nft_worker.analysis.markets.decoding import decode_fills
from nft_worker.analysis.sales import decode_sales
from nft_worker.models import PaidTransaction, Sale

NFT = Address("0x" + "c0" * 20)
OTHER_NFT = Address("0x" + "c1" * 20)
WETH = Address("0x" + "e1" * 20)
DAI = Address("0x" + "e2" * 20)
SELLER, BUYER, FEES = (Address(f"0x{number:040x}") for number in (0xA1, 0xB1, 0xF1))
AGGREGATOR = Address("0x" + "9a" * 20)
SEAPORT = max(seaport.ADDRESSES)
ETHER = 10**18

ORDER_V1 = (
    "(address,uint8,address,address,uint256,uint256,address,uint256,uint256,uint256,"
    "(uint16,address)[],uint256,bytes)"
)
FEE_RATE = "(address,uint16)"


def log(
    address: Address, topics: Sequence[str], types: Sequence[str], values: Sequence[Any], at: int
) -> Log:
    data = "0x" + encode(list(types), list(values)).hex()
    return Log(address, tuple(topics), data, 1, "0x1", "0xt", 0, at)


def topic(address: Address) -> str:
    return "0x" + address[2:].rjust(64, "0")


def moved(sender: Address, recipient: Address, token_id: int, at: int, of: Address = NFT) -> Log:
    topics = (TRANSFER, topic(sender), topic(recipient), f"0x{token_id:064x}")
    return log(of, topics, (), (), at)


def paid(token: Address, sender: Address, recipient: Address, amount: int, at: int) -> Log:
    topics = (TRANSFER, topic(sender), topic(recipient))
    return log(token, topics, ("uint256",), (amount,), at)


def fulfilled(
    offer: Sequence[tuple[int, Address, int, int]],
    consideration: Sequence[tuple[int, Address, int, int]],
    at: int,
    order: int = 1,
    *,
    fulfiller: Address = BUYER,
    kept: Sequence[tuple[int, Address, int, int]] = (),
) -> Log:
    """Return the event of an order of SELLER; BUYER gets what of the consideration is `kept`."""
    types = (
        "bytes32",
        "address",
        "(uint8,address,uint256,uint256)[]",
        "(uint8,address,uint256,uint256,address)[]",
    )
    due = [(*item, SELLER) for item in consideration] + [(*item, BUYER) for item in kept]
    values = (order.to_bytes(32), fulfiller, list(offer), due)
    topics = (seaport.ORDER_FULFILLED, topic(SELLER), topic(FEES))
    return log(SEAPORT, topics, types, values, at)


def sales_of(logs: Sequence[Log], *, sender: Address = BUYER, value: int = 0) -> list[Sale]:
    decoded = decode_transfers(logs)
    transaction = PaidTransaction(sender, value, decoded.erc20, decoded.nft, decode_fills(logs))
    of_collection = [transfer for transfer in decoded.nft if transfer.contract == NFT]
    return list(decode_sales(of_collection, {"0xt": transaction}, {1: 1_700_000_000}))


def told(sales: Sequence[Sale]) -> list[tuple[Any, ...]]:
    return [
        (sale.marketplace, sale.token_id, sale.seller, sale.buyer, sale.currency, sale.price)
        for sale in sales
    ]
