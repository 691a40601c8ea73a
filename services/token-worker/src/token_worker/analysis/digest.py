"""What is known of all transfers up to a block, as far as later reports need it.

Sums and counts are brought forward by adding those of newer transfers; of the transfers themselves
only those are kept that a report can be about, and those that a later finding can rest on.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeVar

import numpy as np

from common.actions.analyze_coin_flows import CoinFlowOptions, CoinFlowThresholds
from common.chain.types import Address
from common.labels.label import Label
from token_worker.analysis.activity import Counted
from token_worker.analysis.circles import Circle, Circles
from token_worker.analysis.dormancy import Waking
from token_worker.analysis.exact import IntArray
from token_worker.analysis.labels import ExchangeSums
from token_worker.analysis.patterns import Bait, Batch
from token_worker.analysis.poisoned import PoisonedTransaction
from token_worker.analysis.sums import Sums
from token_worker.analysis.table import LOG_INDEX_BITS, TransferTable
from token_worker.analysis.whales import WhaleMovement

SUPPLY_SHRINKS = 8
"""A digest serves until less than one in so many of the supply it was made with is left."""


@dataclass(frozen=True, eq=False)
class Digest:
    """All transfers up to a block, digested for one set of options and thresholds.

    Attributes:
        block_number: Up to which block, that one included.
        supply_floor: Smallest total supply for which wakings and movements are complete.
        sums: Of all of them.
        counted: Buckets that are over.
        exchanges: By exchange.
        circles: Those that no later transfer can change.
        circle_starts: For each pass, the span from which on to search again.
        batches: The largest ones.
        batches_total: How many there are.
        bait: The newest ones.
        bait_total: How many there are.
        zero_value_groups: The newest ones.
        fake_groups: The newest ones, of a counterfeit.
        wakings: All that can count for a supply from `supply_floor` on.
        movements: The same.
        kept: Transfers that these findings name, and others that a report may name. Rows in the
            findings are rows of this table, or of one that it has been joined to.
        whole_from: Unix seconds from which on a later run needs every transfer.
    """

    block_number: int
    supply_floor: int
    sums: Sums
    counted: Counted
    exchanges: ExchangeSums
    circles: Circles
    circle_starts: list[int]
    batches: list[Batch]
    batches_total: int
    bait: list[Bait]
    bait_total: int
    zero_value_groups: list[PoisonedTransaction]
    fake_groups: list[PoisonedTransaction]
    wakings: list[Waking]
    movements: list[WhaleMovement]
    kept: TransferTable
    whole_from: int

    def joined_to(self, newest: TransferTable) -> "Digest":
        """Return this digest with its rows in a table that also has other transfers.

        Args:
            newest: All transfers from some block on, at least those from `whole_from` on.
        """
        kept = self.kept
        if len(newest):
            kept = kept.select(kept.positions < newest.positions[0])
        return self.moved_to(TransferTable.join([kept, newest]))

    def moved_to(self, table: TransferTable) -> "Digest":
        """Return this digest with its rows in another table that has all of them."""
        return self.renumbered(table, np.searchsorted(table.positions, self.kept.positions))

    def renumbered(self, table: TransferTable, rows: IntArray) -> "Digest":
        """Return this digest with its rows in another table.

        Args:
            table: The table.
            rows: For each row of `kept` its row in that table; those not named may be any.
        """
        places = rows.tolist()
        return replace(
            self,
            kept=table,
            circles=Circles(
                _moved(self.circles.largest, places),
                self.circles.total,
                frozenset(places[row] for row in self.circles.covered),
            ),
            batches=_moved(self.batches, places),
            bait=_moved_rows(self.bait, places),
            zero_value_groups=_moved(self.zero_value_groups, places),
            fake_groups=_moved(self.fake_groups, places),
            wakings=_moved_rows(self.wakings, places),
            movements=_moved_rows(self.movements, places),
        )

    def first_new_row(self) -> int:
        """Row of the joined table from which on transfers are not in this digest."""
        return int(np.searchsorted(self.kept.positions, (self.block_number + 1) << LOG_INDEX_BITS))

    def named_rows(self) -> Iterable[int]:
        """All rows that the findings name."""
        groups: Iterable[Circle | Batch | PoisonedTransaction] = chain(
            self.circles.largest, self.batches, self.zero_value_groups, self.fake_groups
        )
        single: Iterable[Bait | Waking | WhaleMovement] = chain(
            self.bait, self.wakings, self.movements
        )
        yield from (row for each in groups for row in each.rows)
        yield from (each.row for each in single)
        yield from self.circles.covered


def digest_variant(
    options: CoinFlowOptions,
    thresholds: CoinFlowThresholds,
    labels: Mapping[Address, Label],
    is_counterfeit: bool,
) -> str:
    """Return a name for all that a digest depends on beside the transfers."""
    exchanges = sorted(
        (address, label.owner) for address, label in labels.items() if label.kind == "exchange"
    )
    decisive = thresholds.model_dump(
        include={
            "circular_residual_pct",
            "circular_min_transfers",
            "batch_recipients",
            "poisoning_zero_transfers",
            "poisoning_fake_transfers",
            "dormant_days",
            "dormant_supply_pct",
            "whale_percentage",
            "whale_movement_pct",
        }
    )
    text = json.dumps([options.bucket_minutes, decisive, exchanges, is_counterfeit], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


Group = TypeVar("Group", Circle, Batch, PoisonedTransaction)
Single = TypeVar("Single", Bait, Waking, WhaleMovement)


def _moved(groups: list[Group], places: list[int]) -> list[Group]:
    return [replace(each, rows=tuple(places[row] for row in each.rows)) for each in groups]


def _moved_rows(singles: list[Single], places: list[int]) -> list[Single]:
    return [replace(each, row=places[each.row]) for each in singles]
