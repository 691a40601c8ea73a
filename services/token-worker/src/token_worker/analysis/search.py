"""Runs every analysis on what was read: new transfers together with what is known of older ones."""

from common.actions.analyze_coin_flows import CoinFlowOptions, CoinFlowThresholds
from common.chain.types import Address
from token_worker.analysis.activity import measure_activity
from token_worker.analysis.circles import NO_CIRCLES, Circles, find_circles
from token_worker.analysis.compliance import check_compliance
from token_worker.analysis.digest import Digest
from token_worker.analysis.digesting import supply_floor
from token_worker.analysis.dormancy import Waking, find_waking, rank_wakings
from token_worker.analysis.exact import least_amount
from token_worker.analysis.findings import LIST_CAP, Candidates, Findings
from token_worker.analysis.flows import count_new_addresses, summarize_flows
from token_worker.analysis.holders import describe_holders
from token_worker.analysis.labels import (
    ExchangeRows,
    describe_exchange_flows,
    find_exchange_rows,
    sum_exchange_flows,
)
from token_worker.analysis.large_transfers import large_amount
from token_worker.analysis.ledger import Ledger
from token_worker.analysis.patterns import find_bait, find_batches, rank_batches
from token_worker.analysis.poisoned import find_fake_groups, find_zero_value_groups
from token_worker.analysis.sums import Sums
from token_worker.analysis.table import TransferTable
from token_worker.analysis.whales import WhaleMovement, find_movements, find_whales
from token_worker.models import TokenFlowReading


def sum_up(table: TransferTable, first: int, past: Digest | None) -> Sums:
    """Return the sums of all transfers: of the rows from `first` on, and those known before."""
    sums = Sums.of(table.part(first, len(table)))
    return past.sums.followed_by(sums) if past else sums


def search_circles(reading: TokenFlowReading, thresholds: CoinFlowThresholds) -> Circles:
    """Return the circles among the transfers, see `find_circles`."""
    past = reading.past
    return find_circles(
        reading.token.address,
        reading.table,
        thresholds.circular_residual_pct,
        thresholds.circular_min_transfers,
        past.circles if past else NO_CIRCLES,
        past.circle_starts if past else None,
    )


def find_everything(
    reading: TokenFlowReading,
    options: CoinFlowOptions,
    thresholds: CoinFlowThresholds,
    circles: Circles,
) -> Findings:
    """Return what each analysis finds.

    Args:
        reading: What was read, all at one block.
        options: Of the job; its thresholds are in `thresholds` already.
        thresholds: In force for this run.
        circles: Of `search_circles`.

    Raises:
        PayloadError: A threshold in tokens was given for a token without decimals.
    """
    token, supply, table, past = (
        reading.token,
        reading.total_supply,
        reading.table,
        reading.past,
    )
    first = reading.new_from
    least = large_amount(thresholds, supply, token.decimals, reading.price)
    sums = reading.sums or sum_up(table, first, past)
    ledger = sums.ledger
    top_rows = table.top_rows(LIST_CAP)
    exchange_rows = find_exchange_rows(table, reading.labels)
    exchange_sums = sum_exchange_flows(table, reading.labels, _from(exchange_rows, first))
    if past:
        exchange_sums = past.exchanges.followed_by(exchange_sums)
    batches = find_batches(table, thresholds.batch_recipients, first)
    bait = find_bait(table, ledger, first, past.sums.edges if past else None)
    zero_values = find_zero_value_groups(table, thresholds.poisoning_zero_transfers, first)
    fakes = []
    if reading.counterfeit:
        fakes = find_fake_groups(table, thresholds.poisoning_fake_transfers, first)
    whales = find_whales(
        token.address,
        ledger,
        reading.balances,
        reading.contracts,
        supply,
        thresholds.whale_percentage,
    )
    candidates = _find_candidates(reading, thresholds, ledger)
    return Findings(
        reading=reading,
        table=table,
        sums=sums,
        summary=summarize_flows(sums.totals, ledger, supply, _count_new(reading, ledger)),
        holders=describe_holders(
            token.address, reading.balances, supply, reading.contracts, reading.labels
        ),
        whales=whales,
        movements=_of_whales(candidates, {whale.address for whale in whales}, supply, thresholds),
        top_rows=top_rows,
        large_rows=[] if least is None else [r for r in top_rows if table.amount(r) >= least],
        large_total=0 if least is None else sums.sizes.count_from(least),
        activity=measure_activity(
            table,
            options.bucket_minutes * 60,
            reading.window_start if reading.truncated else None,
            reading.block.timestamp,
            past.counted if past else None,
        ),
        circles=circles,
        compliance=check_compliance(reading, ledger),
        exchange_rows=exchange_rows,
        exchange_sums=exchange_sums,
        exchange_flows=describe_exchange_flows(exchange_sums, supply, LIST_CAP),
        batches=rank_batches([*past.batches, *batches] if past else batches)[:LIST_CAP],
        batches_total=len(batches) + (past.batches_total if past else 0),
        bait=[*bait, *(past.bait if past else [])][:LIST_CAP],
        bait_total=len(bait) + (past.bait_total if past else 0),
        zero_value_groups=[*zero_values, *(past.zero_value_groups if past else [])][:LIST_CAP],
        fake_groups=[*fakes, *(past.fake_groups if past else [])][:LIST_CAP],
        woken=_woken(table, candidates, supply, thresholds) if not reading.truncated else None,
        candidates=candidates,
    )


def _find_candidates(
    reading: TokenFlowReading, thresholds: CoinFlowThresholds, ledger: Ledger
) -> Candidates | None:
    """Movements and, in a whole history, wakings that count for a supply from some floor on."""
    table, first, past, supply = reading.table, reading.new_from, reading.past, reading.total_supply
    if not supply:
        return None
    floor = supply if reading.truncated else supply_floor(supply, past)

    def opening(address: Address) -> int | None:
        if past:
            code = past.sums.ledger.code(address)
            return past.sums.ledger.net(code) if code >= 0 else 0
        balance = reading.balances.get(address)
        return None if balance is None else balance - ledger.net(ledger.code(address))

    movements = find_movements(
        table,
        first,
        opening,
        least_amount(floor, thresholds.whale_percentage),
        thresholds.whale_movement_pct,
    )
    wakings = []
    if not reading.truncated:
        wakings = find_waking(
            table,
            int(thresholds.dormant_days * 86_400),
            least_amount(floor, thresholds.dormant_supply_pct),
            first,
            past.sums.ledger if past else None,
        )
    if past:
        movements = [*past.movements, *movements]
        wakings = rank_wakings(table, [*past.wakings, *wakings])
    return Candidates(floor, wakings, movements)


def _of_whales(
    candidates: Candidates | None,
    whales: set[str],
    supply: int | None,
    thresholds: CoinFlowThresholds,
) -> list[WhaleMovement]:
    if candidates is None or not supply:
        return []
    cut = least_amount(supply, thresholds.whale_percentage)
    return [
        each for each in candidates.movements if each.whale in whales and each.balance_before >= cut
    ]


def _woken(
    table: TransferTable,
    candidates: Candidates | None,
    supply: int | None,
    thresholds: CoinFlowThresholds,
) -> list[Waking] | None:
    if candidates is None or not supply:
        return None
    least = least_amount(supply, thresholds.dormant_supply_pct)
    return [each for each in candidates.wakings if table.amount(each.row) >= least]


def _count_new(reading: TokenFlowReading, ledger: Ledger) -> int | None:
    """Addresses first seen after the previous report, or ever without one."""
    if reading.truncated:
        return None
    return count_new_addresses(ledger, reading.previous.block_number if reading.previous else -1)


def _from(rows: ExchangeRows, first: int) -> ExchangeRows:
    return ExchangeRows(rows.inflow[rows.inflow >= first], rows.outflow[rows.outflow >= first])
