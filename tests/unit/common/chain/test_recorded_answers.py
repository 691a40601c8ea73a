"""Answers of mainnet nodes are read as another program, ethereum-etl, reads them."""

import json
from pathlib import Path
from typing import Any

import pytest

from common.chain import abi
from common.chain.log_parsing import log_position, parse_logs
from common.chain.parsing import parse_block
from common.chain.tokens import decode_metadata
from common.chain.transaction_parsing import parse_receipt, parse_transaction
from common.chain.transfers import decode_transfers
from common.chain.types import Address, CallResult, Log

RECORDED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "ethereum_etl.json").read_text()
)


def by_hash(rows: list[dict[str, Any]], name: str = "transaction_hash") -> dict[str, Any]:
    return {row[name]: row for row in rows}


def log_row(log: Log) -> dict[str, Any]:
    return {
        "log_index": log.log_index,
        "transaction_hash": log.transaction_hash,
        "transaction_index": log.transaction_index,
        "block_hash": log.block_hash,
        "block_number": log.block_number,
        "address": log.address,
        "data": log.data,
        "topics": list(log.topics),
    }


def recorded_logs() -> list[Log]:
    receipts = [parse_receipt(raw["transactionHash"])(raw) for raw in RECORDED["receipts"]]
    return [log for receipt in receipts for log in receipt.logs]


def test_receipts_before_the_byzantium_fork_are_the_same() -> None:
    wanted = by_hash(RECORDED["expected_receipts"])
    raws = by_hash(RECORDED["receipts"], "transactionHash")

    assert len(wanted) == 4
    for hash_, row in wanted.items():
        receipt = parse_receipt(hash_)(raws[hash_])
        assert (receipt.block_number, receipt.block_hash) == (
            row["block_number"],
            row["block_hash"],
        )
        assert receipt.transaction_index == row["transaction_index"]
        assert receipt.gas_used == row["gas_used"]
        assert receipt.created_contract is row["contract_address"] is None
        assert receipt.is_success is row["status"] is None


def test_logs_of_receipts_are_the_same() -> None:
    found = [log_row(log) for log in sorted(recorded_logs(), key=log_position)]

    assert len(found) == 4
    assert found == sorted(
        RECORDED["expected_logs"], key=lambda row: (row["block_number"], row["log_index"])
    )


def test_token_transfers_are_the_same() -> None:
    logs = {*recorded_logs(), *parse_logs(RECORDED["transfer_logs"])}
    decoded = decode_transfers(logs)
    found = [
        {
            "token_address": each.contract,
            "from_address": each.sender,
            "to_address": each.recipient,
            "value": str(each.amount),
            "transaction_hash": each.transaction_hash,
            "log_index": str(each.log_index),
            "block_number": str(each.block_number),
        }
        for each in sorted(decoded.erc20, key=log_position)
    ]

    assert found == RECORDED["expected_token_transfers"]
    assert (decoded.nft, decoded.wraps, decoded.undecodable) == ((), (), 0)


@pytest.mark.parametrize("row", RECORDED["expected_blocks"], ids=lambda row: row["number"])
def test_headers_are_the_same(row: dict[str, str]) -> None:
    number = int(row["number"])
    [raw] = [raw for raw in RECORDED["blocks"] if int(raw["number"], 16) == number]
    block = parse_block("number", number)(raw)

    assert (block.hash, str(block.timestamp)) == (row["hash"], row["timestamp"])


def test_transactions_are_the_same() -> None:
    raws = by_hash([raw for block in RECORDED["blocks"] for raw in block["transactions"]], "hash")
    wanted = by_hash(RECORDED["expected_transactions"], "hash")
    found = {
        hash_: {
            "hash": transaction.hash,
            "nonce": str(transaction.nonce),
            "block_number": str(transaction.block_number),
            "transaction_index": str(transaction.transaction_index),
            "from_address": transaction.sender,
            "to_address": transaction.recipient or "",
            "value": str(transaction.value_wei),
            "input": transaction.input,
        }
        for hash_, raw in raws.items()
        for transaction in [parse_transaction(hash_)(raw)]
    }

    assert found == wanted


@pytest.mark.parametrize("token", RECORDED["tokens"], ids=lambda token: token["expected"]["symbol"])
def test_tokens_with_odd_texts_say_the_same(token: dict[str, dict[str, str]]) -> None:
    wanted = token["expected"]
    answers = {name: CallResult(success=True, data=data) for name, data in token["calls"].items()}
    found = decode_metadata(
        Address(wanted["address"]), answers["name"], answers["symbol"], answers["decimals"]
    )

    assert (found.name or "", found.symbol) == (wanted["name"], wanted["symbol"])
    assert found.decimals == int(wanted["decimals"])
    assert abi.decode_uint(answers["total_supply"]) == int(wanted["total_supply"])
