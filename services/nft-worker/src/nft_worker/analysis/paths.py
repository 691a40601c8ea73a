"""Paths of ERC-721 tokens from holder to holder, with custody in contracts removed.

A stretch is what a token did while its way is known from wallet to wallet. A contract that gives
the token back to the wallet it came from (vault, collateral, staking, bridge) was custody and is
left out. A contract that gives it to somebody else (pool, liquidation, escrow) ends the stretch:
the two wallets did not deal with each other.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from common.chain.transfers import NftTransfer
from common.chain.types import Address
from nft_worker.analysis.movements import NOBODY

Stretch = tuple[NftTransfer, ...]
"""Hops that join: each starts where the one before ended. Only its ends touch a contract."""


@dataclass(frozen=True, slots=True)
class TokenPath:
    """One token's way through the window.

    Attributes:
        transfers: All its transfers in the order of the chain.
        stretches: The same without custody and transfers to oneself, cut where the way is unknown.
        returns: Transfers by which a contract gave the token back to its owner.
    """

    token_id: int
    transfers: tuple[NftTransfer, ...]
    stretches: tuple[Stretch, ...]
    returns: tuple[NftTransfer, ...]


def token_path(
    token_id: int, transfers: Sequence[NftTransfer], contracts: Collection[Address]
) -> TokenPath:
    """Return the path of one ERC-721 token.

    Args:
        token_id: The token.
        transfers: All of its own, in the order of the chain, conduits removed.
        contracts: Accounts with code.
    """
    walk = _Walk()
    for transfer in transfers:
        if transfer.sender == transfer.recipient:
            continue
        into, out_of = transfer.recipient in contracts, transfer.sender in contracts
        if into and out_of:
            continue  # the token stays out of its owner's hands
        if into:
            walk.deposit(transfer)
        elif out_of:
            walk.release(transfer)
        else:
            walk.extend(transfer)
    return TokenPath(token_id, tuple(transfers), tuple(walk.finish()), tuple(walk.custody_returns))


class _Walk:
    """Joins the transfers of one token to stretches, and remembers a deposit until it is clear."""

    def __init__(self) -> None:
        self.custody_returns: list[NftTransfer] = []
        self._stretches: list[Stretch] = []
        self._current: list[NftTransfer] = []
        self._deposited: NftTransfer | None = None

    def deposit(self, transfer: NftTransfer) -> None:
        if self._current and self._current[-1].recipient != transfer.sender:
            self._end()
        self._deposited = transfer

    def release(self, transfer: NftTransfer) -> None:
        if self._deposited is not None and self._deposited.sender == transfer.recipient:
            self._deposited = None
            self.custody_returns.append(transfer)
            return
        self._keep_deposit()
        self._end()
        self._current.append(transfer)

    def extend(self, transfer: NftTransfer) -> None:
        self._keep_deposit()
        if self._current and self._current[-1].recipient != transfer.sender:
            self._end()
        self._current.append(transfer)
        if transfer.recipient in NOBODY:
            self._end()

    def finish(self) -> list[Stretch]:
        self._end()
        return self._stretches

    def _keep_deposit(self) -> None:
        if self._deposited is not None:
            self._current.append(self._deposited)
            self._deposited = None

    def _end(self) -> None:
        if self._current:
            self._stretches.append(tuple(self._current))
            self._current.clear()


def between_wallets(stretch: Stretch, contracts: Collection[Address]) -> Stretch:
    """Return the hops of a stretch from wallet to wallet: no mint, no burn, no contract."""
    return tuple(
        hop
        for hop in stretch
        if hop.sender not in contracts
        and hop.recipient not in contracts
        and hop.sender not in NOBODY
        and hop.recipient not in NOBODY
    )


def accounts_to_classify(transfers: Iterable[NftTransfer]) -> set[Address]:
    """Return the accounts that must be told apart as wallet or contract before paths are read.

    These are the accounts a token passed through within one transaction, and all that held it
    between two times in the hands of the same account: only there does a contract change what a
    path means.

    Args:
        transfers: In the order of the chain.
    """
    found: set[Address] = set()
    arrivals: set[tuple[str, int, Address]] = set()
    holders: defaultdict[int, list[Address]] = defaultdict(list)
    for transfer in transfers:
        if (transfer.transaction_hash, transfer.token_id, transfer.sender) in arrivals:
            found.add(transfer.sender)
        arrivals.add((transfer.transaction_hash, transfer.token_id, transfer.recipient))
        if transfer.standard == "erc721":
            path = holders[transfer.token_id]
            if not path or path[-1] != transfer.sender:
                path.append(transfer.sender)
            path.append(transfer.recipient)
    for path in holders.values():
        found.update(_between_returns(path))
    return found


def _between_returns(path: Sequence[Address]) -> set[Address]:
    last = {holder: index for index, holder in enumerate(path)}
    found: set[Address] = set()
    reach = -1  # how far the returns of the holders so far extend
    for index, holder in enumerate(path):
        if holder in NOBODY:
            continue
        if last[holder] > index:
            reach = max(reach, last[holder])
        if index <= reach:
            found.add(holder)
    return found
