"""A made-up collection with a known share of wash trades, the same in every run."""

from dataclasses import dataclass

import numpy as np

from common.chain.transfers import NftTransfer
from common.chain.types import ZERO_ADDRESS, Address, Block
from common.results.envelope import Window
from nft_worker.models import Collection, History, Sale

COLLECTION = Address("0x" + "c0" * 20)
START = 1_640_995_200
FIRST_BLOCK = 13_900_000
BLOCK_SECONDS = 12


@dataclass(frozen=True)
class Market:
    """Movements and sales.

    Attributes:
        history: The movements; its transactions are left out, the sales are decoded already.
        sales: In the order of the chain.
        planted: Sales between two wallets that hand one token back and forth.
    """

    history: History
    sales: list[Sale]
    planted: int


def create_market(
    transfers: int,
    *,
    tokens: int,
    wallets: int = 50_000,
    days: int = 730,
    wash_share: float = 0.02,
    seed: int = 7,
) -> Market:
    """Return a market in which half of the movements are sales.

    Each token is minted, then goes from holder to holder; `wash_share` of the movements belong to
    pairs of wallets that pass one token to and fro. Prices follow a log-normal distribution.
    """
    random = np.random.default_rng(seed)
    accounts = [Address(f"0x{number:040x}") for number in range(0x1000, 0x1000 + wallets)]
    is_wash_token = random.random(tokens) < wash_share
    moved = np.concatenate((np.arange(tokens), random.integers(0, tokens, transfers - tokens)))
    blocks = FIRST_BLOCK + np.sort(random.integers(0, days * 7_200, transfers))
    buyers = random.integers(0, wallets, transfers)
    prices = (np.exp(random.normal(0, 0.7, transfers)) * 1e6).astype(np.int64)
    small = list(range(max(tokens, 500)))  # shared, as equal small numbers are
    owner: list[int | None] = [None] * tokens
    before: list[int] = [0] * tokens
    movements: list[NftTransfer] = []
    sales: list[Sale] = []
    planted = 0
    timestamps: dict[int, int] = {}
    block = 0
    for row in range(transfers):
        token = small[moved[row]]
        if blocks[row] != block:
            block = int(blocks[row])
            timestamps[block] = _seconds(block)
        log_index = small[row % 500]
        seller, buyer = owner[token], int(buyers[row])
        if seller is not None and is_wash_token[token] and before[token]:
            buyer = before[token]
        digest = f"0x{row:064x}"
        movements.append(
            NftTransfer(
                COLLECTION,
                "erc721",
                None,
                ZERO_ADDRESS if seller is None else accounts[seller],
                accounts[buyer],
                token,
                1,
                block,
                digest,
                row % 200,
                log_index,
                0,
            )
        )
        if seller is not None and row % 2 and seller != buyer:
            planted += bool(is_wash_token[token])
            sales.append(
                Sale(
                    token_id=token,
                    quantity=1,
                    standard="erc721",
                    seller=accounts[seller],
                    buyer=accounts[buyer],
                    currency="native",
                    price=int(prices[row]) * 10**12,
                    price_source="event",
                    price_estimated=False,
                    is_bundle=False,
                    timestamp=timestamps[block],
                    block_number=block,
                    transaction_hash=digest,
                    log_index=log_index,
                    batch_index=0,
                    marketplace="seaport",
                )
            )
        before[token], owner[token] = seller or 0, buyer
    last = FIRST_BLOCK + days * 7_200
    timestamps[last] = _seconds(last)
    history = History(
        collection=Collection(COLLECTION, "erc721", "Market", "MKT", tokens, False, False),
        block=Block(last, f"0x{last:064x}", _seconds(last), "number"),
        window=Window(from_block=FIRST_BLOCK, to_block=last),
        transfers=tuple(movements),
        timestamps=timestamps,
        transactions={},
        contracts=frozenset(),
        reaches_origin=True,
        undecodable_logs=0,
        window_seconds=(START, _seconds(last)),
    )
    return Market(history, sales, planted)


def _seconds(block: int) -> int:
    return START + (block - FIRST_BLOCK) * BLOCK_SECONDS
