"""What a result lacks, and what a reader should know about it."""

from common.results.envelope import Completeness, Reason
from token_worker.analysis.findings import Findings

MAX_TRUSTED_COVERAGE = 1.001


def describe_completeness(found: Findings) -> Completeness:
    """Return whether all that was asked for is there; a window cut by the limit was asked for."""
    reading = found.reading
    reasons: list[Reason] = []
    if reading.total_supply is None:
        reasons.append(
            Reason(
                code="supply_unknown",
                detail="totalSupply() did not answer: shares of supply, whales and large transfers "
                "by share are missing",
            )
        )
    if found.holders.unknown_count:
        reasons.append(
            Reason(
                code="balances_unknown",
                detail=f"balanceOf() did not answer for {found.holders.unknown_count} of "
                f"{found.holders.addresses_asked} addresses",
            )
        )
    if reading.unread_logs:
        reasons.append(
            Reason(
                code="unread_logs",
                detail=f"{reading.unread_logs} Transfer events have another layout than ERC-20 "
                "and are in no figure",
            )
        )
    return Completeness(status="partial" if reasons else "complete", reasons=reasons)


def find_warnings(found: Findings) -> list[Reason]:
    """Return what may mislead a reader although nothing is missing."""
    reading, warnings = found.reading, []
    if not found.sums.totals.transfers:
        warnings.append(
            Reason(
                code="no_transfers",
                detail=f"the token has no Transfer event from block {reading.from_block} to "
                f"{reading.block.number}",
            )
        )
    if reading.token.decimals is None:
        warnings.append(
            Reason(
                code="decimals_unknown",
                detail="decimals() gave no sensible answer: amounts are raw integers only",
            )
        )
    if reading.wraps_native:
        warnings.append(
            Reason(
                code="wraps_are_mints",
                detail="the token wraps the native coin: Deposit and Withdrawal events without a "
                "Transfer of their own count as mints and burns",
            )
        )
    if found.holders.coverage is not None and found.holders.coverage > MAX_TRUSTED_COVERAGE:
        warnings.append(
            Reason(
                code="balances_exceed_supply",
                detail=f"balances are {found.holders.coverage:.6g} times the total supply: the "
                "token's answers contradict each other",
            )
        )
    if reading.price is not None and reading.price.is_stale:
        warnings.append(
            Reason(
                code="price_stale",
                detail=f"{reading.price.feed.pair} was last updated {reading.price.age_seconds} "
                f"seconds ago, expected every {reading.price.feed.heartbeat_seconds}: values in "
                "USD may be off",
            )
        )
    return [*warnings, *_transfer_warnings(found)]


def _transfer_warnings(found: Findings) -> list[Reason]:
    supply = found.reading.total_supply
    if supply is None:
        return []
    larger = found.sums.sizes.count_from(supply + found.sums.totals.burned + 1)
    if not larger:
        return []
    return [
        Reason(
            code="transfers_exceed_supply",
            detail=f"{larger} transfers are larger than the whole supply: flash mints, or events "
            "without a movement behind them",
        )
    ]
