"""Who holds the token, as far as the addresses of the window tell."""

from bisect import bisect_left
from collections.abc import Mapping
from heapq import nlargest
from operator import itemgetter
from typing import Literal

from common.chain.types import DEAD_ADDRESS, ZERO_ADDRESS, Address
from common.chain.units import share_pct
from common.labels.label import Label
from common.results.coin_flows import ExcludedHolder, Holder, HolderDistribution
from token_worker.analysis.concentration import describe_concentration

COMPLETE_COVERAGE = 0.999
TOP_HOLDERS = 20

ExclusionReason = Literal[
    "zero_address", "dead_address", "token_contract", "exchange", "bridge", "mixer", "pool"
]


def excluded_addresses(token: Address) -> dict[Address, ExclusionReason]:
    """Return the addresses whose balance nobody can use, with the reason."""
    return {
        ZERO_ADDRESS: "zero_address",
        DEAD_ADDRESS: "dead_address",
        token: "token_contract",
    }


def largest_holders(
    balances: Mapping[Address, int | None], count: int = TOP_HOLDERS
) -> list[tuple[Address, int]]:
    """Return the largest known balances above 0, largest first; ties sort by address."""
    least = min(nlargest(count, filter(None, balances.values())), default=0)
    large = sorted(
        (address, balance) for address, balance in balances.items() if balance and balance >= least
    )
    return sorted(large, key=itemgetter(1), reverse=True)[:count]


def describe_holders(
    token: Address,
    balances: Mapping[Address, int | None],
    total_supply: int | None,
    contracts: Mapping[Address, bool],
    labels: Mapping[Address, Label],
) -> HolderDistribution:
    """Return the distribution of balances, raw and adjusted, and how much of supply it covers.

    Args:
        token: Address of the token contract.
        balances: Raw balances at one block; None where the token did not tell.
        total_supply: At the same block; None where the token did not tell.
        contracts: Whether an address has code, where that was looked up.
        labels: Who owns an address: what exchanges, bridges and pools hold is other people's.
    """
    held = sorted(filter(None, balances.values()))
    reasons: dict[Address, ExclusionReason] = {
        **{address: label.kind for address, label in labels.items()},
        **excluded_addresses(token),
    }
    excluded = {address: balance for address in reasons if (balance := balances.get(address))}
    reachable_supply = None if total_supply is None else total_supply - sum(excluded.values())
    raw = describe_concentration(held, total_supply)
    adjusted = raw
    if excluded:
        for balance in excluded.values():
            del held[bisect_left(held, balance)]
        adjusted = describe_concentration(
            held, reachable_supply if reachable_supply and reachable_supply > 0 else None
        )
    coverage = int(raw.balance_sum_raw) / total_supply if total_supply else None
    return HolderDistribution(
        **raw.model_dump(),
        addresses_asked=len(balances),
        unknown_count=sum(1 for balance in balances.values() if balance is None),
        coverage=coverage,
        coverage_status=_coverage_status(coverage),
        adjusted=adjusted,
        excluded=[
            ExcludedHolder(
                address=address,
                reason=reasons[address],
                balance_raw=str(balance),
                supply_pct=share_pct(balance, total_supply or 0),
            )
            for address, balance in excluded.items()
        ],
        top=[
            Holder(
                address=address,
                balance_raw=str(balance),
                supply_pct=share_pct(balance, total_supply or 0),
                is_contract=contracts.get(address),
                label=labels[address].name if address in labels else None,
            )
            for address, balance in largest_holders(balances)
        ],
    )


def _coverage_status(coverage: float | None) -> Literal["complete", "partial", "unknown"]:
    if coverage is None:
        return "unknown"
    return "complete" if coverage >= COMPLETE_COVERAGE else "partial"
