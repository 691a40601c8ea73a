"""Judges the analysis by published data: precision, recall, and what is missed.

    python -m benchmarks.nft.evaluate DATA_FOLDER

`DATA_FOLDER` holds `nft_terraforms_wash_2022`, `nft_bayc_2021_2022` and, where there, folders of
recorded transactions. Prints one JSON object. Sales of the first two carry no logs, so they are
put in as decoded sales, one transaction each, in the order of their rows.
"""

import csv
import gzip
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from common.actions.analyze_nft_movements import NftThresholds
from common.chain.transfers import NftTransfer, decode_transfers
from common.chain.types import Address, Block, Log
from common.results.envelope import Window
from common.results.nft_movements import NftMovementAnalysis
from nft_worker.analysis.markets.decoding import decode_fills
from nft_worker.analysis.markets.wyvern import ORDERS_MATCHED
from nft_worker.analysis.movement_table import movements
from nft_worker.analysis.report import analyze
from nft_worker.analysis.sale_table import sale_table
from nft_worker.analysis.sales import decode_sales
from nft_worker.analysis.scoring import flagged_sales
from nft_worker.analysis.token_paths import TokenPaths
from nft_worker.analysis.trading import Trading, trading_of
from nft_worker.analysis.wash_trades import find_wash_trades, judge
from nft_worker.history import History
from nft_worker.models import Collection, Fundings, Holdings, PaidTransaction, Sale

COLLECTION = Address("0x" + "c0" * 20)
NOBODY_HOLDS = Holdings({}, 0, frozenset(), {})
WETH_WINDOW = (1_641_772_800, 1_646_092_800)
"""2022-01-10 to 2022-03-01: the time that the published labels of Terraforms are about."""

Row = dict[str, str]


def rows_of(path: Path) -> list[Row]:
    """Return the rows of a gzipped CSV file."""
    with gzip.open(path, "rt") as lines:
        return list(csv.DictReader(lines))


def record(number: int, row: Row, timestamp: int) -> tuple[NftTransfer, Sale]:
    """Return movement and sale of one row, in a block of its own."""
    digest = row.get("tx_hash") or f"0x{number:064x}"
    seller, buyer = Address(row["seller"].lower()), Address(row["buyer"].lower())
    token_id = int(row["token_id"])
    price = int(row.get("price_wei") or row["amount_raw_18"])
    move = NftTransfer(
        COLLECTION, "erc721", None, seller, buyer, token_id, 1, number, digest, 0, 0, 0
    )
    sale = Sale(
        token_id,
        1,
        "erc721",
        seller,
        buyer,
        row.get("pay_token") or "native",
        price,
        "event",
        False,
        False,
        timestamp,
        number,
        digest,
        0,
        0,
    )
    return move, sale


def history_of(
    records: list[tuple[NftTransfer, Sale]], contracts: Iterable[Address] = ()
) -> tuple[History, Trading]:
    """Return what the analysis takes, for records in the order of the chain."""
    last = len(records) + 1
    first_seconds, last_seconds = records[0][1].timestamp, records[-1][1].timestamp
    history = History(
        Collection(COLLECTION, "erc721", None, None, None, False, False),
        Block(last, "0x0", last_seconds, "number"),
        Window(from_block=0, to_block=last),
        movements(
            COLLECTION,
            [move for move, _ in records],
            {sale.block_number: sale.timestamp for _, sale in records},
        ),
        {},
        frozenset(contracts),
        False,
        0,
        (first_seconds, last_seconds),
    )
    moves = history.moves
    sales = sale_table([sale for _, sale in records], moves)
    return history, trading_of(moves, TokenPaths(moves, history.contracts), sales, 0)


def judged(
    history: History, trading: Trading
) -> tuple[NftMovementAnalysis, set[str], Counter[str]]:
    """Return the analysis, the hashes of flagged sales, and how many sales each rule accuses."""
    thresholds = NftThresholds()
    wash = find_wash_trades(history, trading, thresholds)
    found = judge(trading, wash, Fundings({}), thresholds)
    cut = flagged_sales(found.verdicts, thresholds.wash_score)
    accused: Counter[str] = Counter()
    for finding_type in sorted({finding.type for finding in found.findings if finding.rule}):
        positions = {
            accusation.sale.position
            for finding in found.findings
            if finding.type == finding_type
            for accusation in finding.accused
        }
        accused[finding_type] = len(positions)
    result = analyze(
        history, trading, NOBODY_HOLDS, {}, thresholds, found, chain_id=1, include_alerts=True
    )
    sales = trading.all_sales
    flagged = {sale.transaction_hash for sale in sales.pick(sales.mask_of(cut))}
    return result, flagged, accused


def terraforms(folder: Path) -> dict[str, Any]:
    """Judge by the labels and rule counts of the Terraforms sales."""
    expected = json.loads((folder / "expected.json").read_text())
    rows = rows_of(folder / "sales.csv.gz")
    rows.sort(key=lambda row: int(row["time_ms"]))
    records = [
        record(number, row, int(row["time_ms"]) // 1000) for number, row in enumerate(rows, 1)
    ]
    _, flagged, accused = judged(*history_of(records))
    by_definition = suspected(records)
    labelled = {row["token_id"]: row for row in rows_of(folder / "published_labels.csv.gz")}
    published_window = [
        pair
        for pair, row in zip(records, rows, strict=True)
        if row["pay_symbol"] == "WETH" and WETH_WINDOW[0] <= pair[1].timestamp < WETH_WINDOW[1]
    ]
    return {
        "sales": len(records),
        "flagged": len(flagged),
        "accused_by_rule": dict(accused),
        "expected_counts": expected["totals_over_tokens"],
        "all_sales_pairs_equal_expected": same_pairs(
            records, {t: v["all"] for t, v in expected["tokens_detail"].items()}
        ),
        "published_window_pairs_equal_labels": same_pairs(
            published_window,
            {
                token: {
                    "top_pair": sorted((row["top_pair_a"], row["top_pair_b"])),
                    "top_pair_sales": int(row["top_pair_sales"]),
                    "top_pair_dominance_pct": float(row["dominance_pct"]),
                }
                for token, row in labelled.items()
            },
        ),
        "labelled_tokens_flagged": sorted(
            token
            for token in labelled
            if any(s.transaction_hash in flagged for _, s in records if str(s.token_id) == token)
        ),
        "by_sale": quality(flagged, by_definition),
        "sales_of_the_published_pairs": pair_recall(records, labelled, flagged),
    }


def suspected(records: list[tuple[NftTransfer, Sale]]) -> set[str]:
    """Return the sales that expected.json counts: self, back and forth, or a buyer of three."""
    pairs = {(s.token_id, s.seller, s.buyer) for _, s in records}
    bought = Counter((s.token_id, s.buyer) for _, s in records)
    return {
        s.transaction_hash
        for _, s in records
        if s.seller == s.buyer
        or (s.token_id, s.buyer, s.seller) in pairs
        or bought[s.token_id, s.buyer] >= 3
    }


def quality(flagged: set[str], truth: set[str]) -> dict[str, float | int]:
    """Return precision, recall and F1 of flagged transactions."""
    hits = len(flagged & truth)
    precision, recall = hits / len(flagged), hits / len(truth)
    return {
        "true_positives": hits,
        "false_positives": len(flagged - truth),
        "missed": len(truth - flagged),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(2 * precision * recall / (precision + recall), 4),
    }


def same_pairs(records: list[tuple[NftTransfer, Sale]], expected: dict[str, dict[str, Any]]) -> str:
    """Return how many tokens have exactly the expected top pair, its sales and its dominance."""
    result = judged(*history_of(records))[0]
    found = {row.token_id: row for row in result.token_trading}
    right = sum(
        token in found
        and found[token].top_pair == sorted(truth["top_pair"])
        and found[token].top_pair_sales == truth["top_pair_sales"]
        and abs(found[token].top_pair_pct - truth["top_pair_dominance_pct"]) < 1e-5
        for token, truth in expected.items()
    )
    return f"{right} of {len(expected)}"


def pair_recall(
    records: list[tuple[NftTransfer, Sale]], labelled: dict[str, Row], flagged: set[str]
) -> str:
    """Return how many sales between the published pairs of the labelled tokens are flagged."""
    own = [
        sale.transaction_hash
        for _, sale in records
        if (label := labelled.get(str(sale.token_id)))
        and {sale.seller, sale.buyer} == {label["top_pair_a"], label["top_pair_b"]}
    ]
    return f"{sum(hash_ in flagged for hash_ in own)} of {len(own)}"


def bayc(folder: Path) -> dict[str, Any]:
    """Count what is flagged in a mostly clean market."""
    rows = rows_of(folder / "sales.csv.gz")
    rows.sort(key=lambda row: int(row["timestamp"]))
    records = [record(number, row, int(row["timestamp"])) for number, row in enumerate(rows, 1)]
    result, flagged, accused = judged(*history_of(records))
    return {
        "sales": len(records),
        "flagged": len(flagged),
        "flagged_pct": round(100 * len(flagged) / len(records), 3),
        "accused_by_rule": dict(accused),
        "patterns_by_type": dict(Counter(p.type for p in result.suspicious_patterns)),
        "unbroken_ownership": unbroken(rows_of(folder / "transfers_ids_1_4999.csv.gz")),
    }


def unbroken(rows: list[Row]) -> str:
    """Return how many consecutive transfers of a token begin where the one before ended."""
    transfers = [
        NftTransfer(
            COLLECTION,
            "erc721",
            None,
            Address(row["from"]),
            Address(row["to"]),
            int(row["token_id"]),
            1,
            number,
            f"0x{number:064x}",
            0,
            0,
            0,
        )
        for number, row in enumerate(sorted(rows, key=lambda row: int(row["timestamp"])), 1)
    ]
    moves = movements(COLLECTION, transfers, dict.fromkeys(range(1, len(rows) + 1), 0))
    paths = list(TokenPaths(moves, frozenset()))
    links = [
        before.recipient == after.sender
        for path in paths
        for before, after in zip(path.transfers, path.transfers[1:], strict=False)
    ]
    return f"{sum(links)} of {len(links)}"


def recorded_trades(folder: Path) -> dict[str, Any]:
    """Compare prices from Wyvern's events with the money that moved in the same transactions."""
    told: Counter[str] = Counter()
    for transaction in _recorded(folder / "transactions.jsonl.gz"):
        logs = [
            Log(
                Address(entry["address"]),
                tuple(entry["topics"]),
                entry["data"],
                transaction["blockNumber"],
                transaction["blockHash"],
                transaction["hash"],
                transaction["transactionIndex"],
                entry["logIndex"],
            )
            for entry in transaction["logs"]
        ]
        if not any(log.topics and log.topics[0] == ORDERS_MATCHED for log in logs):
            continue
        told["transactions"] += 1
        decoded = decode_transfers(logs)
        bare = PaidTransaction(
            transaction["from"], int(transaction["value"]), decoded.erc20, decoded.nft
        )
        times = {transaction["blockNumber"]: transaction["timestamp"]}
        paid, ordered = (
            {
                (sale.token_id, sale.buyer): (sale.currency, sale.price)
                for sale in decode_sales(decoded.nft, {transaction["hash"]: each}, times)
            }
            for each in (bare, _with_fills(bare, logs))
        )
        told["sales_by_event"] += len(ordered)
        told["sales_by_payment"] += len(paid)
        told["same_price"] += sum(paid[key] == ordered[key] for key in paid.keys() & ordered.keys())
    return dict(told)


def _with_fills(bare: PaidTransaction, logs: list[Log]) -> PaidTransaction:
    return PaidTransaction(bare.sender, bare.value_wei, bare.erc20, bare.nfts, decode_fills(logs))


def _recorded(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt") as lines:
        yield from map(json.loads, lines)


SETS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "nft_terraforms_wash_2022": terraforms,
    "nft_bayc_2021_2022": bayc,
    "erc20_gitcoin_r6_receipts": recorded_trades,
}


def main() -> None:
    """Print what is found in each set that is there."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    data = Path(sys.argv[1])
    found = {n: judge(data / n) for n, judge in SETS.items() if (data / n).is_dir()}
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
