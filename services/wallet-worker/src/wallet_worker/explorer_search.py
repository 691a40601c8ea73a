"""What a block explorer knows of an account's native coin: transactions, payments, withdrawals."""

from collections.abc import Iterable

from common.chain.client import PinnedChain
from common.chain.errors import ChainError, EndpointUnavailable, InvalidAnswer, RateLimited
from common.chain.parsing import parse_address, parse_hash, shown
from common.chain.types import Address
from wallet_worker.explorer import WINDOW, Entry, Explorer
from wallet_worker.models import NativeSearch, Payment

_GENESIS = "GENESIS"
"""Explorers list what an account was given in the first block under a hash of this beginning."""
_GWEI = 10**9
_MOVES_NOTHING = ("delegatecall", "staticcall", "callcode")


async def search_explorer(
    explorer: Explorer, pinned: PinnedChain, wallet: Address, first: int, calls: int
) -> NativeSearch:
    """Find all that an explorer lists between block `first` and the pinned one.

    Args:
        explorer: The explorer.
        pinned: The chain; the explorer must know its block.
        wallet: The account.
        first: First block.
        calls: Most pages of each kind, and at most as many as hold 10,000 records.

    Raises:
        ChainError: The explorer cannot be used now; the message says why.
    """
    stats, last = pinned.stats, pinned.block.number
    head = await explorer.fetch_head(stats)
    if head < last:
        raise EndpointUnavailable(f"the explorer knows blocks up to {head}, not {last}")
    pages = max(1, min(calls, WINDOW // explorer.page_size))

    async def fetch(action: str) -> tuple[list[Entry], int]:
        return await explorer.fetch_newest(stats, action, wallet, first, last, pages)

    sent, sent_from = await fetch("txlist")
    inside, inside_from = await fetch("txlistinternal")
    try:
        withdrawn, withdrawn_from = await fetch("txsBeaconWithdrawal")
    except RateLimited:
        raise
    except ChainError:  # chains without validators, and explorers that do not list withdrawals
        withdrawn, withdrawn_from = [], first
    places = {_hash(each): _place(each) for each in sent if not _is_genesis(each)}
    for each in inside:
        places.setdefault(_hash(each), (int(each["blockNumber"]), 0))
    return NativeSearch(
        source="explorer",
        places=places,
        complete_from=max(sent_from, inside_from, withdrawn_from),
        payments=(
            *_gifts(sent, wallet),
            *_internal_payments(inside),
            *_withdrawals(withdrawn, wallet),
        ),
    )


def _internal_payments(entries: Iterable[Entry]) -> Iterable[Payment]:
    for entry in entries:
        value = _amount(entry, "value")
        if str(entry.get("isError", "0")) == "0" and value and not _moves_nothing(entry):
            recipient = entry.get("to") or entry.get("contractAddress")
            yield Payment(
                "internal",
                int(entry["blockNumber"]),
                _hash(entry),
                parse_address(entry.get("from")),
                parse_address(recipient),
                value,
            )


def _moves_nothing(entry: Entry) -> bool:
    return (entry.get("callType") or entry.get("type")) in _MOVES_NOTHING


def _withdrawals(entries: Iterable[Entry], wallet: Address) -> Iterable[Payment]:
    for entry in entries:
        number, value = int(entry["blockNumber"]), _amount(entry, "amount") * _GWEI
        yield Payment("withdrawal", number, None, None, wallet, value)


def _gifts(entries: Iterable[Entry], wallet: Address) -> Iterable[Payment]:
    for entry in entries:
        if _is_genesis(entry):
            yield Payment("genesis", 0, None, None, wallet, _amount(entry, "value"))


def _is_genesis(entry: Entry) -> bool:
    return str(entry.get("hash")).startswith(_GENESIS)


def _hash(entry: Entry) -> str:
    return parse_hash(entry.get("hash") or entry.get("transactionHash"))


def _place(entry: Entry) -> tuple[int, int]:
    index = entry.get("transactionIndex")
    if not isinstance(index, str) or not index.isdecimal():
        raise InvalidAnswer(f"a transaction with the index {shown(index)}")
    return int(entry["blockNumber"]), int(index)


def _amount(entry: Entry, field: str) -> int:
    amount = entry.get(field)
    if not isinstance(amount, str) or not amount.isdecimal():
        raise InvalidAnswer(f"a record with the {field} {shown(amount)}")
    return int(amount)
