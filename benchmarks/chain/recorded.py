"""Compares how recorded answers of mainnet nodes are read with what is published about them.

    python benchmarks/chain/recorded.py DATA_FOLDER

DATA_FOLDER holds recorded results, one JSON object a line (eth_getTransactionReceipt.jsonl.gz,
eth_getTransactionByHash, eth_getBlockByNumber_false, explorer_account_lists), and expected.json
with the counts that its publisher verified. Beside these counts the logs of each receipt, as they
are read, must give the bloom that the chain has for it, and transactions what an explorer lists.
Exits with 1 if anything disagrees.
"""

import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from common.chain.parsing import parse_block
from common.chain.transaction_parsing import parse_receipt, parse_transaction
from common.chain.transfers import decode_transfers
from common.chain.types import Log, Receipt, Transaction

Figure = tuple[str, Any, Any]
"""What is compared, as it is read, as it is published."""


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """The objects of one file."""
    with gzip.open(folder / f"{name}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def bloom_of(logs: Sequence[Log]) -> int:
    """The bloom of a receipt with these logs (Yellow Paper, section 4.3.1)."""
    bloom = 0
    for text in {text for log in logs for text in (log.address, *log.topics)}:
        digest = keccak(bytes.fromhex(text[2:]))
        for start in (0, 2, 4):
            bloom |= 1 << (int.from_bytes(digest[start : start + 2]) % 2048)
    return bloom


def counts(receipts: Sequence[Receipt], expected: dict[str, Any]) -> Iterator[Figure]:
    """The publisher's counts."""
    logs = [log for receipt in receipts for log in receipt.logs]
    decoded = decode_transfers(logs)
    of_collections = [each for each in decoded.nft if each.standard == "erc721"]
    tokens = {each.contract for each in decoded.erc20} | {each.contract for each in of_collections}
    yield "receipts", len(receipts), expected["receipts"]
    yield "failed", sum(each.is_success is False for each in receipts), expected["failed_receipts"]
    yield "logs", len(logs), expected["logs_in_receipts"]
    yield "ERC-20 transfers", len(decoded.erc20), expected["erc20_transfer_logs"]
    yield "ERC-721 transfers", len(of_collections), expected["erc721_transfer_logs"]
    yield "tokens transferred", len(tokens), expected["distinct_transfer_tokens"]


def headers(raws: Sequence[dict[str, Any]], listed: dict[int, int]) -> Iterator[Figure]:
    """Hash and number of each header, and its time where an explorer lists the block."""
    for raw in raws:
        number = int(raw["number"], 16)
        block = parse_block("number", number)(raw)
        yield f"hash of block {number}", block.hash, raw["hash"]
        if number in listed:
            yield f"time of block {number}", block.timestamp, listed[number]


def listed_figures(
    entry: dict[str, Any], transaction: Transaction | None, receipt: Receipt | None
) -> Iterator[Figure]:
    """What an explorer lists of a transaction."""
    name = f"transaction {entry['hash']}"
    if transaction is not None:
        found = (transaction.sender, transaction.recipient or "", transaction.value_wei)
        yield name, found, (entry["from"], entry["to"], int(entry["value"]))
        place = (transaction.block_number, transaction.transaction_index, transaction.nonce)
        wanted = (entry["blockNumber"], entry["transactionIndex"], entry["nonce"])
        yield f"place of {name}", place, tuple(map(int, wanted))
    if receipt is not None:
        yield f"gas of {name}", receipt.gas_used, int(entry["gasUsed"])
        fee = int(entry["gasUsed"]) * int(entry["gasPrice"])
        yield f"fee of {name}", receipt.fee_wei, fee


def figures(folder: Path) -> Iterator[Figure]:
    """All that is compared."""
    expected = json.loads((folder / "expected.json").read_text())
    raw_receipts = rows(folder, "eth_getTransactionReceipt")
    receipts = {
        raw["transactionHash"]: parse_receipt(raw["transactionHash"])(raw) for raw in raw_receipts
    }
    transactions = {
        raw["hash"]: parse_transaction(raw["hash"])(raw)
        for raw in rows(folder, "eth_getTransactionByHash")
    }
    lists = rows(folder, "explorer_account_lists")
    entries = [
        entry
        for listing in lists
        if listing["explorer_action"] == "txlist"
        for entry in listing["result"]
        if not entry["hash"].startswith("GENESIS")
    ]
    yield from counts(list(receipts.values()), expected)
    yield "transactions", len(transactions), expected["transactions"]
    for raw in raw_receipts:
        receipt = receipts[raw["transactionHash"]]
        yield (
            f"bloom of {receipt.transaction_hash}",
            bloom_of(receipt.logs),
            int(raw["logsBloom"], 16),
        )
    times = {int(entry["blockNumber"]): int(entry["timeStamp"]) for entry in entries}
    yield from headers(rows(folder, "eth_getBlockByNumber_false"), times)
    for entry in {entry["hash"]: entry for entry in entries}.values():
        hash_ = entry["hash"]
        yield from listed_figures(entry, transactions.get(hash_), receipts.get(hash_))


def main() -> None:
    """Print what disagrees, and how much agrees, by kind."""
    compared = list(figures(Path(sys.argv[1])))
    wrong = [each for each in compared if each[1] != each[2]]
    for name, found, wanted in wrong:
        print(f"WRONG: {name}: {found}, published {wanted}")
    for kind in ("bloom of", "hash of block", "time of block", "transaction 0x", "place of"):
        print(f"{kind}: {sum(name.startswith(kind) for name, _, _ in compared)} compared")
    for kind in ("gas of", "fee of"):
        print(f"{kind}: {sum(name.startswith(kind) for name, _, _ in compared)} compared")
    print(f"{len(compared) - len(wrong)} of {len(compared)} figures agree")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
