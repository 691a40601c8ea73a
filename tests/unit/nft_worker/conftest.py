"""Stories told on a collection: transfers, payments and sales, turned into records."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from common.actions.analyze_nft_movements import NftThresholds
from common.chain.transfers import Erc20Transfer, NftTransfer
from common.chain.types import ZERO_ADDRESS, Address, Block, TokenMetadata
from common.results.envelope import Window
from common.results.nft_movements import NftMovementAnalysis
from nft_worker.analysis.movement_table import movements
from nft_worker.analysis.report import analyze
from nft_worker.analysis.trading import read_trading
from nft_worker.analysis.wash_trades import find_wash_trades, judge
from nft_worker.history import History
from nft_worker.models import Collection, Funding, Fundings, Holdings, PaidTransaction, Sale

COLLECTION = Address("0x" + "c0" * 20)
WETH = Address("0x" + "e1" * 20)
START = 1_700_000_400  # a full hour
HOUR = 3_600


def wallet(name: str) -> Address:
    """Return the address of a named account."""
    return Address("0x" + name.encode().hex().rjust(40, "0"))


@dataclass
class Story:
    """Each event is a transaction in a block of its own, unless it names another's block."""

    standard: str = "erc721"
    contracts: frozenset[Address] = frozenset()
    reaches_origin: bool = True
    undecodable_logs: int = 0
    transfers: list[NftTransfer] = field(default_factory=list)
    transactions: dict[str, PaidTransaction] = field(default_factory=dict)
    timestamps: dict[int, int] = field(default_factory=dict)
    end_hours: float = 0.0
    fundings: dict[Address, Funding] = field(default_factory=dict)

    def place_contracts(self, *names: str) -> None:
        """Make accounts contracts."""
        self.contracts |= {wallet(name) for name in names}

    def fund(self, funder: str, *wallets: str) -> None:
        """Let wallets have got their first coin from a funder, before everything."""
        self.fundings |= {wallet(name): Funding(wallet(funder), 0) for name in wallets}

    def borrow(self, digest: str, lender: str) -> None:
        """Let a flash loan have been taken in a transaction."""
        self.transactions[digest] = self.transactions[digest]._replace(lender=lender)

    def move(
        self,
        token_id: int,
        *holders: str,
        hours: float,
        amount: int = 1,
        sender: str = "",
        value: int = 0,
        erc20: tuple[tuple[str, str, int], ...] = (),
        currency: Address = WETH,
        also: tuple[tuple[int, str, str], ...] = (),
    ) -> str:
        """Pass a token along holders in one transaction; return its hash.

        Args:
            token_id: The token.
            holders: Names in order; "" is the zero address.
            hours: When, after the start.
            amount: Units.
            sender: Who sent the transaction; the first holder by default.
            value: Native value sent along.
            erc20: (from, to, amount) of fungible transfers.
            currency: The token that these moved.
            also: (token id, from, to) of further tokens of the collection.
        """
        block = len(self.timestamps) + 1
        self.timestamps[block] = START + round(hours * HOUR)
        digest = f"0x{block:064x}"
        hops = [(token_id, *pair) for pair in pairwise(holders)] + list(also)
        nfts = tuple(
            NftTransfer(
                contract=COLLECTION,
                standard="erc1155" if self.standard == "erc1155" else "erc721",
                operator=None,
                sender=wallet(giver) if giver else ZERO_ADDRESS,
                recipient=wallet(taker) if taker else ZERO_ADDRESS,
                token_id=moved,
                amount=amount,
                block_number=block,
                transaction_hash=digest,
                transaction_index=0,
                log_index=10 + index,
                batch_index=0,
            )
            for index, (moved, giver, taker) in enumerate(hops)
        )
        legs = tuple(
            Erc20Transfer(currency, wallet(payer), wallet(payee), paid, block, digest, 0, index)
            for index, (payer, payee, paid) in enumerate(erc20)
        )
        self.transfers.extend(nfts)
        self.transactions[digest] = PaidTransaction(wallet(sender or holders[0]), value, legs, nfts)
        self.end_hours = max(self.end_hours, hours)
        return digest

    def sell(self, token_id: int, seller: str, buyer: str, price: int, *, hours: float) -> str:
        """Sell a token for native value."""
        return self.move(token_id, seller, buyer, hours=hours, sender=buyer, value=price)

    def sell_for_weth(
        self, token_id: int, seller: str, buyer: str, price: int, *, hours: float
    ) -> str:
        """Let the seller accept a bid in WETH."""
        return self.move(token_id, seller, buyer, hours=hours, erc20=((buyer, seller, price),))

    def history(self, transfers: list[NftTransfer] | None = None) -> History:
        """Return what the reader would return, of other `transfers` where they are given."""
        last = len(self.timestamps) + 1
        end = START + round(self.end_hours * HOUR)
        return History(
            collection=Collection(
                COLLECTION,
                "erc1155" if self.standard == "erc1155" else "erc721",
                "Story",
                "STRY",
                None,
                False,
                False,
            ),
            block=Block(last, f"0x{last:064x}", end, "number"),
            window=Window(from_block=0, to_block=last),
            moves=movements(
                COLLECTION, self.transfers if transfers is None else transfers, self.timestamps
            ),
            transactions=self.transactions,
            contracts=self.contracts,
            reaches_origin=self.reaches_origin,
            undecodable_logs=self.undecodable_logs,
            window_seconds=(START, end),
        )

    def sales(self) -> list[Sale]:
        """Return the sales that the analysis sees."""
        trading = read_trading(self.history())
        return trading.all_sales.pick(trading.sales)

    def analyze(
        self,
        *,
        transfers: list[NftTransfer] | None = None,
        include_alerts: bool = True,
        **thresholds: float,
    ) -> NftMovementAnalysis:
        """Return the analysis, of other `transfers` (order, repetitions) where they are given."""
        history, cuts = self.history(transfers), NftThresholds.model_validate(thresholds)
        trading = read_trading(history)
        wash = find_wash_trades(history, trading, cuts)
        return analyze(
            history,
            trading,
            Holdings({}, 0, frozenset(), {}),
            {WETH: TokenMetadata(WETH, "Wrapped Ether", "WETH", 18, "ok")},
            cuts,
            judge(trading, wash, Fundings(self.fundings), cuts),
            chain_id=31337,
            include_alerts=include_alerts,
        )


@pytest.fixture(scope="session")
def new_story() -> Callable[..., Story]:
    """Return a function that begins a story."""
    return Story


@pytest.fixture
def story() -> Story:
    """Return a new story on an ERC-721 collection."""
    return Story()
