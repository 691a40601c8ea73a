"""Alerts about the state of the token: who gathers it, who holds it, how busy it is."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from common.actions.analyze_coin_flows import CoinFlowThresholds
from common.chain.types import Address
from common.chain.units import share_pct
from common.models import from_millis
from common.results.alerts import Alert, AlertMetrics, Severity
from token_worker.analysis.activity import Bucket
from token_worker.analysis.alert_factory import AlertFactory, severity_of, utc_day
from token_worker.analysis.deviation import Deviation, is_drop, is_spike
from token_worker.analysis.findings import Findings
from token_worker.analysis.newest_transfers import newest_transfers


def state_alerts(
    found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    """Yield all alerts about the state of the token."""
    yield from _whale_net_flows(found, thresholds, make)
    yield from _concentration(found, thresholds, make)
    for bucket in reversed(found.activity.buckets):
        yield from _bucket_alerts(found, bucket, thresholds, make)


def _whale_net_flows(
    found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    threshold = thresholds.whale_net_flow_supply_pct
    for whale in found.whales:
        net = int(whale.net_raw)
        value = share_pct(net, found.reading.total_supply or 0) or 0.0
        if abs(value) < threshold:
            continue
        rows, newest = _transfers_of(found, Address(whale.address))
        severity = severity_of(abs(value), threshold)
        verb = "gained" if net > 0 else "lost"
        yield make.create(
            "WHALE_ACCUMULATION" if net > 0 else "WHALE_DISTRIBUTION",
            severity,
            f"Whale {make.short(whale.address)} {verb} {make.amount(abs(net))} "
            f"({make.percent(abs(value))} of supply) {found.period}",
            AlertMetrics(value=value, threshold=threshold if net > 0 else -threshold),
            keys=(utc_day(newest), severity),
            rows=rows,
            wallet=whale.address,
            at=newest,
            more=newest_transfers(found.sums.ledger, [whale.address]),
        )


def _transfers_of(found: Findings, whale: Address) -> tuple[list[int], int]:
    """The transfers of a whale among the largest of all, and the time of its newest one."""
    code = found.table.code(whale)
    top = np.array(found.top_rows, dtype=np.int64)
    own = (found.table.senders[top] == code) | (found.table.recipients[top] == code)
    return top[own].tolist(), int(found.sums.ledger.last_times[found.sums.ledger.code(whale)])


def _concentration(
    found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    """Only where nearly all of supply is seen: the few holders of a window prove nothing."""
    held = found.holders.adjusted
    if found.holders.coverage_status != "complete" or held.nakamoto is None or held.hhi is None:
        return
    top_10_pct = held.top_10_pct or 0.0
    signs = {
        "top10": (
            top_10_pct > thresholds.concentration_top_10_pct,
            f"the ten largest holders have {make.percent(top_10_pct)} of supply",
        ),
        "nakamoto": (
            held.nakamoto <= thresholds.concentration_nakamoto,
            f"the majority is with {held.nakamoto} of {held.holder_count} holders",
        ),
        "hhi": (
            held.hhi > thresholds.concentration_hhi,
            f"the Herfindahl-Hirschman index is {held.hhi:.3f}",
        ),
    }
    seen = {name: words for name, (is_seen, words) in signs.items() if is_seen}
    if not seen:
        return
    excluded = {holder.address for holder in found.holders.excluded}
    others = [each.address for each in found.holders.top if each.address not in excluded]
    yield make.create(
        "HOLDER_CONCENTRATION",
        "high" if held.nakamoto == 1 else "medium",
        f"{make.symbol} is in few hands: {'; '.join(seen.values())}",
        AlertMetrics(value=top_10_pct, threshold=thresholds.concentration_top_10_pct),
        keys=(*seen, *others[:1]),
        at=found.reading.block.timestamp,
        more=newest_transfers(found.sums.ledger, others),
    )


@dataclass(frozen=True)
class _Signal:
    """A bucket's deviation in transfers or tokens, and whether it deserves an alert."""

    alert_type: str
    fires: bool
    value: float
    deviation: Deviation | None
    unit: float
    threshold_pct: float
    words: str


def _bucket_alerts(
    found: Findings, bucket: Bucket, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    """Spikes show as soon as they happen, drops only when their span of time is over.

    Value, threshold and baseline are numbers of transfers, for `VOLUME_SPIKE` of tokens.
    """
    least_z = thresholds.activity_z_score
    busy = bucket.transfers >= thresholds.activity_min_transfers
    token_unit = 10.0 ** (found.reading.token.decimals or 0)
    spike_pct, volume_pct = thresholds.activity_spike_pct, thresholds.volume_spike_pct
    drop_pct = thresholds.activity_drop_pct
    signals = (
        _Signal(
            "ACTIVITY_SPIKE",
            busy and is_spike(bucket.count, spike_pct, least_z),
            bucket.transfers,
            bucket.count,
            1.0,
            spike_pct,
            f"{bucket.transfers} transfers",
        ),
        _Signal(
            "VOLUME_SPIKE",
            busy and is_spike(bucket.volume, volume_pct, least_z),
            bucket.volume_raw / token_unit,
            bucket.volume,
            token_unit,
            volume_pct,
            f"a volume of {make.amount(bucket.volume_raw)}",
        ),
        _Signal(
            "ACTIVITY_DROP",
            bucket.complete and is_drop(bucket.count, drop_pct, least_z),
            bucket.transfers,
            bucket.count,
            1.0,
            -drop_pct,
            f"only {bucket.transfers} transfers",
        ),
    )
    for signal in signals:
        if signal.fires and signal.deviation is not None:
            yield _bucket_alert(found, bucket, signal, signal.deviation, make)


def _bucket_alert(
    found: Findings, bucket: Bucket, signal: _Signal, deviation: Deviation, make: AlertFactory
) -> Alert:
    seconds = found.activity.bucket_seconds
    start, end = bucket.start, bucket.start + seconds
    times = found.table.timestamps
    rows = np.flatnonzero((times >= start) & (times < end)).tolist()
    pct = deviation.pct
    severity: Severity = "medium"
    change = "after a median of 0"
    if pct is not None:
        severity = severity_of(abs(pct), abs(signal.threshold_pct))
        change = f"{make.percent(abs(pct))} {'more' if pct > 0 else 'less'} than the median before"
    return make.create(
        signal.alert_type,
        severity,
        f"{make.symbol}: {signal.words} in the {seconds // 60} minutes from "
        f"{from_millis(start * 1000):%Y-%m-%d %H:%M} UTC, {change}",
        AlertMetrics(
            value=signal.value,
            threshold=deviation.baseline * (1 + signal.threshold_pct / 100) / signal.unit,
            baseline=deviation.baseline / signal.unit,
            z_score=deviation.z_score,
        ),
        keys=(seconds, start, severity),
        rows=rows,
        at=make.newest(rows) if rows else end,
    )
