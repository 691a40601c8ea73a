"""Resales shortly after the purchase."""

from collections.abc import Iterable

from nft_worker.analysis.findings import Finding, places_of_sales
from nft_worker.analysis.wording import duration_text, short
from nft_worker.models import Sale


def find_rapid_flips(
    resales: Iterable[tuple[Sale, Sale]], *, rapid_seconds: float, instant_seconds: float
) -> list[Finding]:
    """Return one finding for each token sold on by its buyer.

    Args:
        resales: Purchase of an ERC-721 token and its next sale, to somebody else and within
            `rapid_seconds`.
        rapid_seconds: Longest time between purchase and resale.
        instant_seconds: A resale within this weighs more.
    """
    findings = []
    for purchase, resale in resales:
        seconds = resale.timestamp - purchase.timestamp
        findings.append(
            Finding(
                type="rapid_flip",
                wallets=(resale.seller,),
                token_ids=(resale.token_id,),
                places=places_of_sales([purchase, resale]),
                sales=(purchase.position, resale.position),
                explanation=(
                    f"{short(resale.seller)} sold token {resale.token_id} "
                    f"{duration_text(seconds)} after buying it{_gain_text(purchase, resale)}."
                ),
                key=(resale.transaction_hash, resale.log_index, resale.batch_index),
                value=seconds,
                threshold=rapid_seconds,
                severity="high" if seconds <= instant_seconds else "low",
            )
        )
    return findings


def _gain_text(purchase: Sale, resale: Sale) -> str:
    if not purchase.price or resale.price is None or purchase.currency != resale.currency:
        return ""
    return f", for {resale.price / purchase.price * 100:.0f} % of the price"
