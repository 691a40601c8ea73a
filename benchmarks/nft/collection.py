"""A made-up collection with a known share of wash trades, the same in every run."""

from dataclasses import dataclass

import numpy as np

from common.chain.types import ZERO_ADDRESS, Address, Block
from common.results.envelope import Window
from nft_worker.analysis.arrays import Ints, Numbering, exact
from nft_worker.analysis.movement_table import Movements, Ranking
from nft_worker.analysis.sale_table import PRICE_SOURCES, Sales
from nft_worker.history import History
from nft_worker.models import Collection

COLLECTION = Address("0x" + "c0" * 20)
START = 1_640_995_200
FIRST_BLOCK = 13_900_000
BLOCK_SECONDS = 12


@dataclass(frozen=True)
class Market:
    """Movements and sales, decoded into tables.

    Attributes:
        history: The movements; its transactions are left out, the sales are decoded already.
        sales: In the order of the chain.
        planted: Sales between two wallets that hand one token back and forth.
    """

    history: History
    sales: Sales
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
    is_wash_token = random.random(tokens) < wash_share
    moved = np.concatenate((np.arange(tokens), random.integers(0, tokens, transfers - tokens)))
    blocks = FIRST_BLOCK + np.sort(random.integers(0, days * 7_200, transfers))
    buyers = random.integers(0, wallets, transfers)
    prices = (np.exp(random.normal(0, 0.7, transfers)) * 1e6).astype(np.int64)
    sender, recipient = _holders(moved.tolist(), buyers.tolist(), is_wash_token.tolist())
    accounts: Numbering[Address] = Numbering()
    accounts.number(
        [ZERO_ADDRESS, *(Address(f"0x{0x1000 + each:040x}") for each in range(wallets))]
    )
    ids: Numbering[int] = Numbering()
    ids.number(range(tokens))
    rows = np.arange(transfers)
    moves = Movements(
        collection=COLLECTION,
        accounts=accounts,
        tokens=ids,
        ranking=Ranking(500, 1),
        block=blocks,
        log=rows % 500,
        part=np.zeros(transfers, np.int64),
        place=rows % 200,
        hashes=np.frombuffer(b"".join(row.to_bytes(32, "big") for row in range(transfers)), "V32"),
        sender=sender + 1,
        recipient=recipient + 1,
        operator=np.full(transfers, -1),
        token=moved,
        amount=exact([1] * transfers),
        seconds=START + (blocks - FIRST_BLOCK) * BLOCK_SECONDS,
        is_unique=np.ones(transfers, np.bool_),
    )
    sold = np.flatnonzero((sender >= 0) & (rows % 2 == 1) & (sender != recipient))
    currencies: Numbering[str | None] = Numbering()
    markets: Numbering[str | None] = Numbering()
    sales = Sales(
        moves=moves,
        currencies=currencies,
        markets=markets,
        rows=sold,
        currency=currencies.number(["native"] * len(sold)),
        price=exact([price * 10**12 for price in prices[sold].tolist()]),
        source=np.full(len(sold), PRICE_SOURCES.index("event")),
        is_estimated=np.zeros(len(sold), np.bool_),
        is_bundle=np.zeros(len(sold), np.bool_),
        market=markets.number(["seaport"] * len(sold)),
    )
    last = FIRST_BLOCK + days * 7_200
    history = History(
        collection=Collection(COLLECTION, "erc721", "Market", "MKT", tokens, False, False),
        block=Block(last, f"0x{last:064x}", _seconds(last), "number"),
        window=Window(from_block=FIRST_BLOCK, to_block=last),
        moves=moves,
        transactions={},
        contracts=frozenset(),
        reaches_origin=True,
        undecodable_logs=0,
        window_seconds=(START, _seconds(last)),
    )
    return Market(history, sales, int(np.count_nonzero(is_wash_token[moved[sold]])))


def _holders(moved: list[int], buyers: list[int], is_wash: list[bool]) -> tuple[Ints, Ints]:
    """Return who gave and who got each token; -1 is nobody."""
    owner: list[int] = [-1] * len(is_wash)
    before: list[int] = [0] * len(is_wash)
    givers, takers = [], []
    for token, buyer in zip(moved, buyers, strict=True):
        giver = owner[token]
        taker = before[token] if giver >= 0 and is_wash[token] and before[token] else buyer
        before[token], owner[token] = max(giver, 0), taker
        givers.append(giver)
        takers.append(taker)
    return np.array(givers, np.int64), np.array(takers, np.int64)


def _seconds(block: int) -> int:
    return START + (block - FIRST_BLOCK) * BLOCK_SECONDS
