"""Transactions and receipts, checked and turned into records. No I/O."""

from collections.abc import Callable, Mapping
from typing import Any

from common.chain.errors import InvalidAnswer, TransactionNotFound
from common.chain.log_parsing import parse_logs
from common.chain.parsing import (
    parse_address,
    parse_data,
    parse_hash,
    parse_object,
    parse_quantity,
)
from common.chain.types import Receipt, Transaction


def parse_transaction(expected_hash: str) -> Callable[[Any], Transaction]:
    """A parser of the mined transaction with that hash."""

    def parse(answer: Any) -> Transaction:
        fields = _mined(answer, "hash", expected_hash)
        recipient = fields.get("to")
        return Transaction(
            hash=expected_hash,
            block_number=parse_quantity(fields.get("blockNumber")),
            transaction_index=parse_quantity(fields.get("transactionIndex")),
            sender=parse_address(fields.get("from")),
            recipient=None if recipient is None else parse_address(recipient),
            value_wei=parse_quantity(fields.get("value")),
            nonce=parse_quantity(fields.get("nonce")),
            input=parse_data(fields.get("input")),
        )

    return parse


def parse_receipt(expected_hash: str) -> Callable[[Any], Receipt]:
    """A parser of the receipt of the mined transaction with that hash."""

    def parse(answer: Any) -> Receipt:
        fields = _mined(answer, "transactionHash", expected_hash)
        created = fields.get("contractAddress")
        receipt = Receipt(
            transaction_hash=expected_hash,
            block_number=parse_quantity(fields.get("blockNumber")),
            block_hash=parse_hash(fields.get("blockHash")),
            transaction_index=parse_quantity(fields.get("transactionIndex")),
            is_success=_is_success(fields),
            gas_used=parse_quantity(fields.get("gasUsed")),
            effective_gas_price_wei=_optional_quantity(fields.get("effectiveGasPrice")),
            l1_fee_wei=_optional_quantity(fields.get("l1Fee")) or 0,
            created_contract=None if created is None else parse_address(created),
            logs=tuple(parse_logs(fields.get("logs"))),
        )
        for log in receipt.logs:
            if log.transaction_hash != expected_hash or log.block_hash != receipt.block_hash:
                raise InvalidAnswer(f"a log of {log.transaction_hash} in this receipt")
        return receipt

    return parse


def _mined(answer: Any, hash_field: str, expected_hash: str) -> Mapping[str, Any]:
    if answer is None:
        raise TransactionNotFound(
            f"transaction {expected_hash} is not known", frozenset((expected_hash,))
        )
    fields = parse_object(answer, "a transaction")
    found = parse_hash(fields.get(hash_field))
    if found != expected_hash:
        raise InvalidAnswer(f"asked for transaction {expected_hash}, got {found}")
    return fields


def _optional_quantity(answer: Any) -> int | None:
    return None if answer is None else parse_quantity(answer)


def _is_success(receipt: Mapping[str, Any]) -> bool | None:
    """Whether a transaction took effect; None for the older receipts with a state root."""
    status = _optional_quantity(receipt.get("status"))
    if status is None and receipt.get("root") is None:
        raise InvalidAnswer("a receipt with neither status nor state root")
    return None if status is None else status == 1
