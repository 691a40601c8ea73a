"""What happened: token transfers, wraps and the transactions behind them, newest first, capped."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from common.chain.transfers import WrapEvent
from common.chain.types import Address, Receipt, TokenMetadata, Transaction
from common.chain.units import format_units
from common.results.envelope import Completeness, Reason
from common.results.wallet_snapshot import (
    LIST_CAP,
    NativePayment,
    WalletTokenTransfer,
    WalletTransaction,
    WalletTransactions,
    Wrap,
)
from wallet_worker.analysis.account import is_contract
from wallet_worker.analysis.discovery import shown_payments
from wallet_worker.analysis.poisoning import Suspects
from wallet_worker.models import Account, Movement, NativeSearch, Payment

_ETHER_DECIMALS = 18
_SELECTOR_LENGTH = len("0x") + 8


def token_transfers(
    wallet: Address,
    movements: Sequence[Movement],
    metadata: Mapping[Address, TokenMetadata],
    timestamps: Mapping[int, int],
    suspects: Suspects,
) -> list[WalletTokenTransfer]:
    """Return the newest movements as the result shows them."""
    return [
        _token_transfer(
            wallet,
            movement,
            metadata[movement.contract],
            timestamps[movement.block_number],
            list(suspects.get(movement.position, ())),
        )
        for movement in reversed(movements[-LIST_CAP:])
    ]


def _token_transfer(
    wallet: Address,
    movement: Movement,
    metadata: TokenMetadata,
    timestamp: int,
    reasons: list[Reason],
) -> WalletTokenTransfer:
    fungible = movement.standard == "erc20"
    direction: Literal["in", "out", "self"] = "out" if movement.sender == wallet else "in"
    return WalletTokenTransfer(
        tx_hash=movement.transaction_hash,
        log_index=movement.log_index,
        batch_index=movement.batch_index,
        block_number=movement.block_number,
        timestamp=_moment(timestamp),
        contract_address=movement.contract,
        standard=movement.standard,
        symbol=metadata.symbol,
        sender=movement.sender,
        recipient=movement.recipient,
        direction="self" if movement.sender == movement.recipient else direction,
        amount_raw=str(movement.amount),
        amount=format_units(movement.amount, metadata.decimals) if fungible else None,
        token_id=None if movement.token_id is None else str(movement.token_id),
        is_zero_value=movement.amount == 0,
        poisoning_suspect=bool(reasons),
        poisoning_reasons=reasons,
    )


def wraps_shown(
    wraps: Sequence[WrapEvent],
    metadata: Mapping[Address, TokenMetadata],
    timestamps: Mapping[int, int],
) -> list[Wrap]:
    """Return the newest wraps and unwraps as the result shows them."""
    return [
        Wrap(
            tx_hash=wrap.transaction_hash,
            log_index=wrap.log_index,
            block_number=wrap.block_number,
            timestamp=_moment(timestamps[wrap.block_number]),
            contract_address=wrap.contract,
            symbol=metadata[wrap.contract].symbol,
            kind="wrap" if wrap.kind == "deposit" else "unwrap",
            amount_raw=str(wrap.amount),
            amount=format_units(wrap.amount, metadata[wrap.contract].decimals),
        )
        for wrap in reversed(wraps[-LIST_CAP:])
    ]


def wallet_transactions(
    account: Account,
    transactions: Mapping[str, Transaction],
    receipts: Mapping[str, Receipt],
    total: int,
    timestamps: Mapping[int, int],
    native: NativeSearch | None = None,
) -> WalletTransactions:
    """Return the newest transactions, and how far they are all there were.

    For an account with a key the nonce tells how many it sent, so the number of those that are
    missing is known; for the ones it received nothing tells.
    """
    newest_first = sorted(
        transactions.values(),
        key=lambda each: (each.block_number, each.transaction_index),
        reverse=True,
    )
    payments = native.payments if native else ()
    sent_listed = sum(each.sender == account.address for each in newest_first)
    sent_total = None if is_contract(account) else account.nonce
    reasons = _missing(native)
    if sent_total is not None and sent_listed < sent_total:
        detail = f"{sent_listed} of {sent_total} sent by the wallet are listed"
        reasons.append(Reason(code="sent_not_all_listed", detail=detail))
    if total > len(newest_first):
        detail = f"the newest {len(newest_first)} of {total} transactions are listed"
        reasons.append(Reason(code="list_capped", detail=detail))
    return WalletTransactions(
        source=native.source if native else "token_transfer_logs",
        completeness=Completeness(status="partial" if reasons else "complete", reasons=reasons),
        items=[
            _transaction(
                account.address, each, receipts.get(each.hash), timestamps[each.block_number]
            )
            for each in newest_first
        ],
        total=total,
        sent_total=sent_total,
        sent_listed=sent_listed,
        fees_paid_raw=str(
            sum(
                receipts[each.hash].fee_wei or 0
                for each in newest_first
                if each.sender == account.address and each.hash in receipts
            )
        ),
        payments=[
            _payment(account.address, each, timestamps[each.block_number])
            for each in shown_payments(native)
        ],
        payments_total=len(payments),
    )


def _payment(wallet: Address, payment: Payment, timestamp: int) -> NativePayment:
    direction: Literal["in", "out", "self"] = "out" if payment.sender == wallet else "in"
    return NativePayment(
        kind=payment.kind,
        tx_hash=payment.transaction_hash,
        block_number=payment.block_number,
        timestamp=_moment(timestamp),
        sender=payment.sender,
        recipient=payment.recipient,
        direction="self" if payment.sender == payment.recipient else direction,
        value_raw=str(payment.value_wei),
        value=format_units(payment.value_wei, _ETHER_DECIMALS) or "0",
    )


def _missing(native: NativeSearch | None) -> list[Reason]:
    """What the source of transactions cannot show."""
    if native is None:
        detail = "transactions are listed only when tokens moved in them"
        return [Reason(code="native_transactions_not_listed", detail=detail)]
    reasons = []
    if native.misses_valueless:
        detail = (
            "found by changes of balance and nonce: transactions of others that brought no value"
            " are listed only when tokens moved in them, and what a contract received and spent"
            " between two states that were compared cancels out"
        )
        reasons.append(Reason(code="valueless_not_searched", detail=detail))
    if native.complete_from > 0:
        detail = (
            f"transactions before block {native.complete_from} are listed only when tokens moved"
            " in them"
        )
        reasons.append(Reason(code="older_not_searched", detail=detail))
    return reasons


def _transaction(
    wallet: Address, transaction: Transaction, receipt: Receipt | None, timestamp: int
) -> WalletTransaction:
    sent, received = transaction.sender == wallet, transaction.recipient == wallet
    direction: Literal["in", "out", "self", "other"] = "other"
    if sent:
        direction = "self" if received else "out"
    elif received:
        direction = "in"
    has_selector = len(transaction.input) >= _SELECTOR_LENGTH
    return WalletTransaction(
        hash=transaction.hash,
        block_number=transaction.block_number,
        transaction_index=transaction.transaction_index,
        timestamp=_moment(timestamp),
        sender=transaction.sender,
        recipient=transaction.recipient,
        direction=direction,
        value_raw=str(transaction.value_wei),
        value=format_units(transaction.value_wei, _ETHER_DECIMALS) or "0",
        fee_raw=_text(receipt.fee_wei if receipt else None),
        gas_used=receipt.gas_used if receipt else None,
        effective_gas_price_raw=_text(receipt.effective_gas_price_wei if receipt else None),
        status=_status(receipt),
        nonce=transaction.nonce,
        method_selector=transaction.input[:_SELECTOR_LENGTH] if has_selector else None,
        created_contract=receipt.created_contract if receipt else None,
    )


def _status(receipt: Receipt | None) -> Literal["success", "failed"] | None:
    if receipt is None or receipt.is_success is None:
        return None
    return "success" if receipt.is_success else "failed"


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)


def _moment(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
