"""The lists of the result: movements, sales, paths and patterns, capped and in reading order."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

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
from nft_worker.analysis.findings import Finding, Place
from nft_worker.analysis.movements import movement_kind
from nft_worker.analysis.paths import TokenPath
from nft_worker.analysis.prices import decimals_of
from nft_worker.analysis.scoring import INNOCENT, RULES, Verdict
from nft_worker.models import Currencies, Position, Sale, Timestamps, position

LIST_CAP = 1_000
HOPS_PER_PATH = 50
HOPS_OF_ALL_PATHS = 5_000
ITEMS_PER_PATTERN = 20
"""These caps keep every result below the 16 MB of a MongoDB document."""


def moment(timestamp: int) -> datetime:
    """Return Unix seconds as a UTC datetime."""
    return datetime.fromtimestamp(timestamp, UTC)


def movement_rows(
    transfers: Sequence[NftTransfer], timestamps: Timestamps, sold: Collection[Position]
) -> list[NftMovement]:
    """Return the newest movements, newest first."""
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
        for transfer in reversed(transfers[-LIST_CAP:])
    ]


def sale_rows(
    sales: Sequence[Sale],
    verdicts: Mapping[Position, Verdict],
    flagged: Collection[Position],
    currencies: Currencies,
) -> list[NftSale]:
    """Return the newest sales, newest first."""
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
        for sale in reversed(sales[-LIST_CAP:])
    ]


def _wash(verdict: Verdict, is_flagged: bool) -> WashVerdict:
    return WashVerdict(score=verdict.score, flagged=is_flagged, filters=list(verdict.rules))


def path_rows(
    paths: Sequence[TokenPath],
    cycles: Mapping[int, int],
    sales: Mapping[Position, Sale],
    timestamps: Timestamps,
) -> list[NftTokenPath]:
    """Return token paths, those with most cycles first, then the longest.

    Args:
        paths: Of all tokens.
        cycles: Number of cycles by token id.
        sales: By position.
        timestamps: Unix seconds of each block.
    """
    ranked = sorted(
        paths, key=lambda path: (-cycles[path.token_id], -len(path.transfers), path.token_id)
    )
    rows: list[NftTokenPath] = []
    room = HOPS_OF_ALL_PATHS
    for path in ranked[:LIST_CAP]:
        newest = path.transfers[-HOPS_PER_PATH:]
        room -= len(newest)
        if room < 0:
            break
        rows.append(
            NftTokenPath(
                token_id=str(path.token_id),
                hops=[_hop(transfer, sales, timestamps) for transfer in newest],
                hops_total=len(path.transfers),
                cycles=cycles[path.token_id],
            )
        )
    return rows


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
    severities: Sequence[Severity],
) -> list[SuspiciousPattern]:
    """Return the patterns with the highest scores, highest first, then newest first.

    Args:
        findings: Of all rules.
        verdicts: By position of accused sales.
        severities: Of the findings, in their order.
    """
    scores = [pattern_score(finding, verdicts) for finding in findings]
    ranked = sorted(
        range(len(findings)),
        key=lambda index: (
            -scores[index],
            -findings[index].places[-1].timestamp,
            findings[index].type,
            findings[index].token_ids,
            findings[index].wallets,
        ),
    )
    return [
        _pattern(findings[index], scores[index], severities[index], verdicts)
        for index in ranked[:LIST_CAP]
    ]


def pattern_score(finding: Finding, verdicts: Mapping[Position, Verdict]) -> float:
    """Return the highest wash score of the sales a finding is about; 0 when there is none."""
    return max((verdicts.get(at, INNOCENT).score for at in finding.sales), default=0.0)


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
