"""Which logs tell about a wallet, and what has to be read because of them."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from common.actions.wallet_snapshot import WalletSnapshotOptions
from common.chain.transfers import (
    CONSECUTIVE_TRANSFER,
    TRANSFER,
    TRANSFER_BATCH,
    TRANSFER_SINGLE,
    WETH_DEPOSIT,
    WETH_WITHDRAWAL,
    DecodedLogs,
    NftTransfer,
    WrapEvent,
    address_topic,
)
from common.chain.types import ZERO_ADDRESS, Address, Log, LogFilter, TokenStandard
from common.results.wallet_snapshot import LIST_CAP
from wallet_worker.models import History, Movement, NativeSearch, Payment, TokenId

Place: TypeAlias = tuple[int, int]
"""Block number and index in the block."""

NOTHING = DecodedLogs(erc20=(), nft=(), wraps=(), undecodable=0)
_EDITION_EVENTS = (TRANSFER_SINGLE, TRANSFER_BATCH, CONSECUTIVE_TRANSFER)


def wallet_filters(wallet: Address, options: WalletSnapshotOptions) -> tuple[LogFilter, ...]:
    """Return the filters without address that find every standard event of a wallet.

    ERC-20 and ERC-721 share `Transfer`, which has sender and recipient in the topics 1 and 2.
    ERC-1155 events have the operator before them, and ERC-2309 a token id, so that their sender
    shares a filter with the recipient of `Transfer`. Contracts that do not index the parties
    (some from before the standards) cannot be found by wallet.
    """
    if not (wants_erc20(options) or wants_nfts(options)):
        return ()
    party = address_topic(wallet)
    filters = [LogFilter(topics=(TRANSFER, party))]
    if wants_nfts(options):
        filters.append(LogFilter(topics=((TRANSFER, *_EDITION_EVENTS), None, party)))
        filters.append(LogFilter(topics=(_EDITION_EVENTS, None, None, party)))
    else:
        filters.append(LogFilter(topics=(TRANSFER, None, party)))
    if wants_erc20(options):
        filters.append(LogFilter(topics=((WETH_DEPOSIT, WETH_WITHDRAWAL), party)))
    return tuple(filters)


def wants_erc20(options: WalletSnapshotOptions) -> bool:
    """Tell whether ERC-20 events are needed."""
    return options.include_token_balances or options.include_transactions


def wants_nfts(options: WalletSnapshotOptions) -> bool:
    """Tell whether ERC-721 and ERC-1155 events are needed."""
    return options.include_nfts or options.include_transactions


def merge_logs(answers: Iterable[Iterable[Log]]) -> list[Log]:
    """Return the logs of several filters in the order of the chain, each once.

    A self transfer matches two filters.
    """
    by_position = {(log.block_number, log.log_index): log for logs in answers for log in logs}
    return [by_position[position] for position in sorted(by_position)]


def collect_history(
    wallet: Address,
    decoded: DecodedLogs,
    options: WalletSnapshotOptions,
    punks: DecodedLogs = NOTHING,
) -> History:
    """Return the movements of the wallet in the standards that `options` need.

    Args:
        wallet: The wallet.
        decoded: What the standard events say.
        options: What was asked for.
        punks: What the events of CryptoPunks say.
    """
    movements: list[Movement] = []
    wraps: tuple[WrapEvent, ...] = ()
    if wants_erc20(options):
        movements += _erc20_movements(decoded)
        wraps = _unlogged_wraps(wallet, movements, decoded.wraps)
    if wants_nfts(options):
        movements += (_nft_movement(each, each.standard) for each in decoded.nft)
        movements += (_nft_movement(each, "cryptopunks") for each in punks.nft)
    own = (each for each in movements if wallet in (each.sender, each.recipient))
    return History(
        movements=tuple(sorted(own, key=lambda movement: movement.position)),
        wraps=wraps,
        undecodable=decoded.undecodable + punks.undecodable,
    )


def _erc20_movements(decoded: DecodedLogs) -> list[Movement]:
    return [
        Movement(
            contract=transfer.contract,
            standard="erc20",
            sender=transfer.sender,
            recipient=transfer.recipient,
            amount=transfer.amount,
            token_id=None,
            block_number=transfer.block_number,
            transaction_index=transfer.transaction_index,
            transaction_hash=transfer.transaction_hash,
            log_index=transfer.log_index,
            batch_index=0,
        )
        for transfer in decoded.erc20
    ]


def _nft_movement(transfer: NftTransfer, standard: TokenStandard) -> Movement:
    return Movement(
        contract=transfer.contract,
        standard=standard,
        sender=transfer.sender,
        recipient=transfer.recipient,
        amount=transfer.amount,
        token_id=transfer.token_id,
        block_number=transfer.block_number,
        transaction_index=transfer.transaction_index,
        transaction_hash=transfer.transaction_hash,
        log_index=transfer.log_index,
        batch_index=transfer.batch_index,
    )


def _unlogged_wraps(
    wallet: Address, erc20: Iterable[Movement], wraps: Iterable[WrapEvent]
) -> tuple[WrapEvent, ...]:
    """Drop a wrap whose contract also logs the mint, or the burn, in the same transaction.

    WETH9 logs no `Transfer` when wrapping; other wrappers log both for one movement.
    """
    logged: set[tuple[str, Address, str]] = set()
    for movement in erc20:
        place = (movement.transaction_hash, movement.contract)
        if movement.sender == ZERO_ADDRESS and movement.recipient == wallet:
            logged.add((*place, "deposit"))
        elif movement.recipient == ZERO_ADDRESS and movement.sender == wallet:
            logged.add((*place, "withdrawal"))
    return tuple(
        wrap
        for wrap in wraps
        if wrap.account == wallet
        and (wrap.transaction_hash, wrap.contract, wrap.kind) not in logged
    )


def erc20_contracts(history: History) -> list[Address]:
    """Return every contract that may be an ERC-20 token, sorted."""
    transferred = {each.contract for each in history.movements if each.standard == "erc20"}
    return sorted(transferred | {wrap.contract for wrap in history.wraps})


def nft_contracts(history: History) -> list[Address]:
    """Return every contract that moved a token id, sorted."""
    return sorted({each.contract for each in history.movements if each.standard != "erc20"})


def last_arrivals(wallet: Address, history: History) -> dict[TokenId, Movement]:
    """Return the latest transfer in of each token id that may still be there.

    An ERC-1155 id may whenever it ever arrived, because a part of the amount may have stayed; any
    other when its last transfer of all ended in the wallet.
    """
    arrivals: dict[TokenId, Movement] = {}
    for movement in history.movements:
        if movement.token_id is None:
            continue
        key = (movement.contract, movement.token_id)
        if movement.recipient == wallet:
            arrivals[key] = movement
        elif movement.standard != "erc1155":
            arrivals.pop(key, None)
    return arrivals


def transaction_places(history: History, native: NativeSearch | None) -> dict[str, Place]:
    """Return block and index of every known transaction, by hash."""
    behind_events = {
        event.transaction_hash: (event.block_number, event.transaction_index)
        for event in history.events
    }
    return {**behind_events, **(native.places if native else {})}


def transactions_to_read(places: Mapping[str, Place]) -> list[str]:
    """Return the hashes of the newest transactions, newest first, capped."""
    return sorted(places, key=lambda digest: places[digest], reverse=True)[:LIST_CAP]


def shown_payments(native: NativeSearch | None) -> list[Payment]:
    """Return the newest payments, newest first, capped."""
    payments = native.payments if native else ()
    return sorted(payments, key=lambda each: -each.block_number)[:LIST_CAP]


def blocks_to_date(history: History, options: WalletSnapshotOptions) -> set[int]:
    """Return the blocks whose time appears in the result, those of transactions aside."""
    blocks: set[int] = set()
    if options.include_token_balances:
        latest = {each.contract: each.block_number for each in history.wraps}
        for movement in history.movements:
            if movement.standard == "erc20":
                latest[movement.contract] = max(
                    movement.block_number, latest.get(movement.contract, 0)
                )
        blocks.update(latest.values())
    if options.include_transactions:
        blocks.update(each.block_number for each in history.movements[-LIST_CAP:])
        blocks.update(each.block_number for each in history.wraps[-LIST_CAP:])
    return blocks
