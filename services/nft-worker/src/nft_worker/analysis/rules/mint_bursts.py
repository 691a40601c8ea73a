"""Many mints at once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from common.chain.transfers import NftTransfer
from common.chain.types import ZERO_ADDRESS
from nft_worker.analysis.activity import Buckets, z_scores
from nft_worker.analysis.findings import Finding, places_of_transfers
from nft_worker.analysis.wording import count_text, duration_text
from nft_worker.models import Timestamps


def find_mint_bursts_in_blocks(
    transfers: Iterable[NftTransfer], timestamps: Timestamps, *, above: int, most_minters: int
) -> list[Finding]:
    """Return one finding for each block with more than `above` mints by few wallets."""
    by_block: defaultdict[int, list[NftTransfer]] = defaultdict(list)
    for transfer in transfers:
        if transfer.sender == ZERO_ADDRESS:
            by_block[transfer.block_number].append(transfer)
    findings = []
    for block_number, mints in by_block.items():
        minters = {mint.recipient for mint in mints}
        if len(mints) > above and len(minters) <= most_minters:
            findings.append(
                _finding(
                    mints,
                    timestamps,
                    f"{count_text(len(mints), 'token')} were minted in block {block_number} to "
                    f"{count_text(len(minters), 'wallet')}.",
                    ("block", block_number),
                    above,
                )
            )
    return findings


def find_mint_bursts_in_time(
    transfers: Iterable[NftTransfer],
    timestamps: Timestamps,
    buckets: Buckets,
    *,
    least: int,
    least_z_score: float,
    known: Iterable[Finding],
) -> list[Finding]:
    """Return one finding for each span of time with unusually many mints.

    Args:
        transfers: In the order of the chain.
        timestamps: Unix seconds of each block.
        buckets: The spans of time, each judged by those before it.
        least: Mints that a burst needs at least.
        least_z_score: Cut of the robust z.
        known: Bursts in single blocks; spans that hold one are not told again.
    """
    minted: defaultdict[int, list[NftTransfer]] = defaultdict(list)
    for transfer in transfers:
        if transfer.sender == ZERO_ADDRESS:
            minted[buckets.number_at(timestamps[transfer.block_number])].append(transfer)
    told = {buckets.number_at(place.timestamp) for finding in known for place in finding.places}
    counts = [len(minted[number]) for number in buckets.numbers]
    findings = []
    for number, count, score in zip(
        buckets.numbers, counts, z_scores(counts, buckets.complete), strict=True
    ):
        if count < least or score is None or score < least_z_score or number in told:
            continue
        text = (
            f"{count_text(count, 'token')} were minted within {duration_text(buckets.seconds)}, "
            f"far more than usual (robust z {score:.1f})."
        )
        key = ("time", number * buckets.seconds, buckets.seconds)
        findings.append(_finding(minted[number], timestamps, text, key, least))
    return findings


def _finding(
    mints: Sequence[NftTransfer],
    timestamps: Timestamps,
    explanation: str,
    key: tuple[object, ...],
    threshold: float,
) -> Finding:
    return Finding(
        type="mint_burst",
        wallets=tuple(sorted({mint.recipient for mint in mints})),
        token_ids=tuple(sorted({mint.token_id for mint in mints})),
        places=places_of_transfers(mints, timestamps),
        explanation=explanation,
        key=key,
        value=len(mints),
        threshold=threshold,
        severity="low",
    )
