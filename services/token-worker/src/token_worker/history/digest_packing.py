"""Digests as bytes."""

from collections import Counter
from dataclasses import asdict, fields
from typing import Any, TypeVar

import bson
import numpy as np
import numpy.typing as npt

from token_worker.analysis.activity import Counted
from token_worker.analysis.circles import Circle, Circles
from token_worker.analysis.digest import Digest
from token_worker.analysis.dormancy import Waking
from token_worker.analysis.edges import Edges
from token_worker.analysis.exact import to_ints, to_limbs
from token_worker.analysis.flows import Totals
from token_worker.analysis.labels import ExchangeSums
from token_worker.analysis.ledger import Ledger
from token_worker.analysis.packed import ADDRESS_BYTES
from token_worker.analysis.patterns import Bait, Batch
from token_worker.analysis.poisoned import PoisonedTransaction
from token_worker.analysis.sizes import Sizes
from token_worker.analysis.sums import Sums
from token_worker.analysis.whales import WhaleMovement
from token_worker.history.segments import pack_table, unpack_limbs, unpack_table

LAYOUT = 3
"""Of these bytes and of what they mean: a digest of another layout is of no use."""

_COUNTS = ("received_counts", "sent_counts", "self_counts")
_PLACES = ("first_blocks", "last_positions", "last_times")

Record = TypeVar("Record", Circle, Batch, Bait, PoisonedTransaction, Waking, WhaleMovement)


def pack_digest(digest: Digest) -> bytes:
    """Return a digest as bytes."""
    return bson.encode(
        {
            "blockNumber": digest.block_number,
            "supplyFloor": _pack_ints([digest.supply_floor]),
            "totals": _texts(asdict(digest.sums.totals)),
            "ledger": _pack_ledger(digest.sums.ledger),
            "edges": _pack_edges(digest.sums.edges),
            "sizes": _pack_sizes(digest.sums.sizes),
            "counted": {
                "oldest": digest.counted.oldest,
                "first": digest.counted.first,
                "transfers": digest.counted.transfers,
                "volumes": _pack_ints(digest.counted.volumes),
                "active": digest.counted.active,
            },
            "exchanges": [
                [owner, side, str(digest.exchanges.amounts[owner, side]), count]
                for (owner, side), count in digest.exchanges.counts.items()
            ],
            "circles": _records(digest.circles.largest),
            "circlesTotal": digest.circles.total,
            "covered": sorted(digest.circles.covered),
            "circleStarts": digest.circle_starts,
            "batches": _records(digest.batches),
            "batchesTotal": digest.batches_total,
            "bait": _records(digest.bait),
            "baitTotal": digest.bait_total,
            "zeroValueGroups": _records(digest.zero_value_groups),
            "fakeGroups": _records(digest.fake_groups),
            "wakings": _records(digest.wakings),
            "movements": _records(digest.movements),
            "kept": pack_table(digest.kept),
            "wholeFrom": digest.whole_from,
        }
    )


def unpack_digest(data: bytes) -> Digest:
    """Return the digest of `pack_digest`."""
    document = bson.decode(data)
    counted, exchanges = document["counted"], document["exchanges"]
    return Digest(
        block_number=document["blockNumber"],
        supply_floor=_unpack_ints(document["supplyFloor"])[0],
        sums=Sums(
            totals=Totals(**_numbers(document["totals"])),
            ledger=_unpack_ledger(document["ledger"]),
            edges=_unpack_edges(document["edges"]),
            sizes=_unpack_sizes(document["sizes"]),
        ),
        counted=Counted(
            oldest=counted["oldest"],
            first=counted["first"],
            transfers=counted["transfers"],
            volumes=_unpack_ints(counted["volumes"]),
            active=counted["active"],
        ),
        exchanges=ExchangeSums(
            amounts=Counter({(owner, side): int(text) for owner, side, text, _ in exchanges}),
            counts=Counter({(owner, side): count for owner, side, _, count in exchanges}),
        ),
        circles=Circles(
            largest=_read(Circle, document["circles"]),
            total=document["circlesTotal"],
            covered=frozenset(document["covered"]),
        ),
        circle_starts=document["circleStarts"],
        batches=_read(Batch, document["batches"]),
        batches_total=document["batchesTotal"],
        bait=_read(Bait, document["bait"]),
        bait_total=document["baitTotal"],
        zero_value_groups=_read(PoisonedTransaction, document["zeroValueGroups"]),
        fake_groups=_read(PoisonedTransaction, document["fakeGroups"]),
        wakings=_read(Waking, document["wakings"]),
        movements=_read(WhaleMovement, document["movements"]),
        kept=unpack_table(document["kept"]),
        whole_from=document["wholeFrom"],
    )


def _pack_ledger(ledger: Ledger) -> dict[str, bytes]:
    return {
        "addresses": ledger.packed.tobytes(),
        "received": to_limbs(ledger.received).tobytes(),
        "sent": to_limbs(ledger.sent).tobytes(),
        **{name: getattr(ledger, name).astype("<u4").tobytes() for name in _COUNTS},
        **{name: getattr(ledger, name).astype("<i8").tobytes() for name in _PLACES},
        "hashes": ledger.last_hashes.tobytes(),
    }


def _unpack_ledger(packed: dict[str, bytes]) -> Ledger:
    addresses = np.frombuffer(packed["addresses"], dtype=f"S{ADDRESS_BYTES}")
    return Ledger(
        packed=addresses,
        received=to_ints(unpack_limbs(packed["received"], addresses.size)),
        sent=to_ints(unpack_limbs(packed["sent"], addresses.size)),
        **{name: np.frombuffer(packed[name], dtype="<u4").astype(np.int64) for name in _COUNTS},
        **{name: np.frombuffer(packed[name], dtype="<i8") for name in _PLACES},
        last_hashes=np.frombuffer(packed["hashes"], dtype="V32"),
    )


def _pack_edges(edges: Edges) -> dict[str, bytes]:
    return {
        "addresses": edges.packed.tobytes(),
        "keys": edges.keys.astype("<i8").tobytes(),
        "counts": edges.counts.astype("<u4").tobytes(),
        "limbs": edges.limbs.astype("<u4").tobytes(),
    }


def _unpack_edges(packed: dict[str, bytes]) -> Edges:
    keys = np.frombuffer(packed["keys"], dtype="<i8")
    return Edges(
        packed=np.frombuffer(packed["addresses"], dtype=f"S{ADDRESS_BYTES}"),
        keys=keys,
        counts=np.frombuffer(packed["counts"], dtype="<u4").astype(np.int64),
        limbs=unpack_limbs(packed["limbs"], keys.size),
    )


def _pack_sizes(sizes: Sizes) -> dict[str, Any]:
    return {
        "width": sizes.ordered.itemsize,
        "ordered": sizes.ordered.tobytes(),
        "sums": _texts({str(digits): total for digits, total in sizes.sums.items()}),
    }


def _unpack_sizes(packed: dict[str, Any]) -> Sizes:
    sums = {int(digits): int(total) for digits, total in packed["sums"].items()}
    ordered: npt.NDArray[np.bytes_] = np.frombuffer(packed["ordered"], f"S{packed['width']}")
    return Sizes(ordered, Counter(sums))


def _pack_ints(amounts: list[int]) -> list[str]:
    return [str(amount) for amount in amounts]


def _unpack_ints(packed: list[str]) -> list[int]:
    return [int(text) for text in packed]


def _records(records: list[Record]) -> list[list[Any]]:
    """Fields in order; amounts as text, as they may be larger than BSON's integers."""
    names = [field.name for field in fields(records[0])] if records else []
    return [
        [str(value) if name in _AMOUNTS else value for name, value in zip(names, row, strict=True)]
        for row in ([getattr(record, name) for name in names] for record in records)
    ]


_AMOUNTS = frozenset({"volume", "amount", "balance_before"})


def _read(kind: type[Record], rows: list[list[Any]]) -> list[Record]:
    make: Any = kind
    names = [field.name for field in fields(kind)]
    return [
        make(*(_value(name, value) for name, value in zip(names, row, strict=True))) for row in rows
    ]


def _value(name: str, packed: Any) -> Any:
    if name == "rows":
        return tuple(packed)
    return int(packed) if name in _AMOUNTS else packed


def _texts(numbers: dict[str, int]) -> dict[str, str]:
    return {name: str(value) for name, value in numbers.items()}


def _numbers(texts: dict[str, str]) -> dict[str, int]:
    return {name: int(text) for name, text in texts.items()}
