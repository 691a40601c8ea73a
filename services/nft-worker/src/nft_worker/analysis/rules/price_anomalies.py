"""Prices far from the floor."""

from collections.abc import Iterable, Mapping

from nft_worker.analysis.findings import Accusation, Finding, places_of_sales
from nft_worker.analysis.wording import short
from nft_worker.models import Sale

WEIGHT = 0.3
"""A hint only: rare tokens are dear. Source of the ratio 100: Tensor's simple wash-trade detection.
A price of at most 1 % of the floor tells of a gift or a stolen token (Forta's NFT trader bot) and
weighs nothing."""


def find_price_anomalies(
    sales: Iterable[Sale],
    floors: Mapping[str, int],
    *,
    high_ratio: float,
    low_ratio: float,
) -> list[Finding]:
    """Return one finding for each sale far above or below the floor of its currency.

    Args:
        sales: All sales.
        floors: Unit price by currency, see `prices.floors`; currencies without one are passed over.
        high_ratio: Floors that a unit price must exceed.
        low_ratio: Part of the floor that a unit price must not exceed.
    """
    findings = []
    for sale in sales:
        floor = floors.get(sale.currency or "")
        if sale.price is None or not floor or not sale.quantity:
            continue
        ratio = sale.price / sale.quantity / floor
        if low_ratio < ratio <= high_ratio:
            continue
        dear = ratio > high_ratio
        findings.append(
            Finding(
                type="price_anomaly",
                rule="price_anomaly" if dear else None,
                wallets=tuple(sorted({sale.seller, sale.buyer})),
                token_ids=(sale.token_id,),
                places=places_of_sales([sale]),
                accused=(Accusation(sale, WEIGHT),) if dear else (),
                sales=(sale.position,),
                explanation=(
                    f"{short(sale.buyer)} paid {short(sale.seller)} {ratio:.4g} times the floor "
                    f"for token {sale.token_id}."
                ),
                key=(sale.transaction_hash, sale.log_index, sale.batch_index),
                value=ratio,
                threshold=high_ratio if dear else low_ratio,
                severity="medium",
            )
        )
    return findings
