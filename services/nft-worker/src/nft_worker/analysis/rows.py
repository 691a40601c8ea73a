"""The lists of the result: movements, sales, paths and patterns, capped and in reading order."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate

import numpy as np

from common.actions.analyze_nft_movements import NftThresholds
from common.chain.transfers import NftTransfer
from common.chain.units import format_units
from common.results.alerts import Evidence, Severity
from common.results.nft_movements import (
    NftMovement,
    NftSale,
    NftTokenPath,
    PathHop,
    SuspiciousPattern,
    WashVerdict,
)
from nft_worker.analysis.findings import LIST_CAP, Finding, Place
from nft_worker.analysis.movements import movement_kind
from nft_worker.analysis.prices import decimals_of
from nft_worker.analysis.sale_table import Sales
from nft_worker.analysis.scoring import (
    INNOCENT,
    RULES,
    Verdict,
    finding_severity,
    pattern_score,
)
from nft_worker.analysis.token_paths import TokenPaths
from nft_worker.models import Currencies, Position, Sale, Timestamps, position

HOPS_PER_PATH = 50
HOPS_OF_ALL_PATHS = 5_000
ITEMS_PER_PATTERN = 20
"""These caps, and LIST_CAP, keep every result below the 16 MB of a MongoDB document."""


def moment(timestamp: int) -> datetime:
    """Return Unix seconds as a UTC datetime."""
    return datetime.fromtimestamp(timestamp, UTC)


def movement_rows(
    transfers: Sequence[NftTransfer], timestamps: Timestamps, sold: Collection[Position]
) -> list[NftMovement]:
    """Return movements newest first."""
    return [
        NftMovement(
            kind=movement_kind(transfer, sold),
            token_id=str(transfer.token_id),
            sender=transfer.sender,
            recipient=transfer.recipient,
            operator=transfer.operator,
            amount_raw=str(transfer.amount),
            transaction_hash=transfer.transaction_hash,
            log_index=transfer.log_index,
            batch_index=transfer.batch_index,
            block_number=transfer.block_number,
            timestamp=moment(timestamps[transfer.block_number]),
        )
        for transfer in reversed(transfers)
    ]


def sale_rows(
    sales: Sequence[Sale],
    verdicts: Mapping[Position, Verdict],
    flagged: Collection[Position],
    currencies: Currencies,
) -> list[NftSale]:
    """Return sales newest first."""
    return [
        NftSale(
            token_id=str(sale.token_id),
            quantity_raw=str(sale.quantity),
            seller=sale.seller,
            buyer=sale.buyer,
            marketplace=sale.marketplace,
            currency=sale.currency,
            price_raw=None if sale.price is None else str(sale.price),
            price=(
                None
                if sale.price is None
                else format_units(sale.price, decimals_of(sale.currency, currencies))
            ),
            price_source=sale.price_source,
            price_estimated=sale.price_estimated,
            is_bundle=sale.is_bundle,
            transaction_hash=sale.transaction_hash,
            log_index=sale.log_index,
            batch_index=sale.batch_index,
            block_number=sale.block_number,
            timestamp=moment(sale.timestamp),
            wash=_wash(verdicts.get(sale.position, INNOCENT), sale.position in flagged),
        )
        for sale in reversed(sales)
    ]


def _wash(verdict: Verdict, is_flagged: bool) -> WashVerdict:
    return WashVerdict(score=verdict.score, flagged=is_flagged, filters=list(verdict.rules))


def path_rows(paths: TokenPaths, cycles: Mapping[int, int], sales: Sales) -> list[NftTokenPath]:
    """Return token paths, those with most cycles first, then the longest.

    Args:
        paths: Of all tokens.
        cycles: Number of cycles by token id, where there are any.
        sales: All sales.
    """
    ids, lengths = paths.moves.tokens.values(), paths.lengths.tolist()
    ranked = sorted(
        (number for number, length in enumerate(lengths) if length),
        key=lambda number: (-cycles.get(ids[number], 0), -lengths[number], ids[number]),
    )[:LIST_CAP]
    room = accumulate(min(lengths[number], HOPS_PER_PATH) for number in ranked)
    shown = [number for number, used in zip(ranked, room, strict=True) if used <= HOPS_OF_ALL_PATHS]
    wanted = np.zeros(len(ids), np.bool_)
    wanted[shown] = True
    by_id = {path.token_id: path for path in paths.of(wanted)}
    sold = sales.of_tokens(wanted)
    times = paths.moves.times(wanted[paths.moves.token])
    return [
        NftTokenPath(
            token_id=str(ids[number]),
            hops=[
                _hop(transfer, sold, times)
                for transfer in by_id[ids[number]].transfers[-HOPS_PER_PATH:]
            ],
            hops_total=lengths[number],
            cycles=cycles.get(ids[number], 0),
        )
        for number in shown
    ]


def _hop(transfer: NftTransfer, sales: Mapping[Position, Sale], timestamps: Timestamps) -> PathHop:
    sale = sales.get(position(transfer))
    return PathHop(
        kind=movement_kind(transfer, sales),
        sender=transfer.sender,
        recipient=transfer.recipient,
        transaction_hash=transfer.transaction_hash,
        log_index=transfer.log_index,
        timestamp=moment(timestamps[transfer.block_number]),
        currency=None if sale is None else sale.currency,
        price_raw=None if sale is None or sale.price is None else str(sale.price),
    )


def pattern_rows(
    findings: Sequence[Finding],
    verdicts: Mapping[Position, Verdict],
    thresholds: NftThresholds,
) -> list[SuspiciousPattern]:
    """Return the patterns with the highest scores, highest first, then newest first."""
    scored = [(pattern_score(finding, verdicts), finding) for finding in findings]
    ranked = sorted(
        scored,
        key=lambda pair: (
            -pair[0],
            -pair[1].places[-1].timestamp,
            pair[1].type,
            pair[1].token_ids,
            pair[1].wallets,
        ),
    )
    return [
        _pattern(finding, score, finding_severity(finding, score, thresholds), verdicts)
        for score, finding in ranked[:LIST_CAP]
    ]


def _pattern(
    finding: Finding,
    score: float,
    severity: Severity,
    verdicts: Mapping[Position, Verdict],
) -> SuspiciousPattern:
    hashes = list(dict.fromkeys(place.transaction_hash for place in finding.places))
    fired = {rule for at in finding.sales for rule in verdicts.get(at, INNOCENT).rules}
    return SuspiciousPattern(
        type=finding.type,
        severity=severity,
        addresses=list(finding.wallets[:ITEMS_PER_PATTERN]),
        addresses_total=len(finding.wallets),
        token_ids=[str(token_id) for token_id in finding.token_ids[:ITEMS_PER_PATTERN]],
        token_ids_total=len(finding.token_ids),
        transaction_hashes=hashes[:ITEMS_PER_PATTERN],
        transactions_total=len(hashes),
        score=score,
        rules=[rule for rule in RULES if rule in fired],
        explanation=finding.explanation,
        first_seen=moment(finding.places[0].timestamp),
        last_seen=moment(finding.places[-1].timestamp),
    )


def evidence(places: Sequence[Place]) -> list[Evidence]:
    """Return the oldest places of a finding as evidence."""
    return [
        Evidence(
            transaction_hash=place.transaction_hash,
            log_index=place.log_index,
            block_number=place.block_number,
        )
        for place in places[:ITEMS_PER_PATTERN]
    ]
