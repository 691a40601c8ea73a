"""What in the changes since the previous snapshot deserves a look."""

from collections.abc import Container, Mapping

from common.actions.wallet_snapshot import WalletThresholds
from common.chain.types import Address, TokenMetadata
from common.chain.units import format_units, share_pct
from common.results.alerts import Alert, AlertMetrics
from common.results.wallet_changes import AssetChange
from wallet_worker.analysis.alerting import EVIDENCE_CAP, wallet_alert
from wallet_worker.analysis.changes import Asset, Flow, asset_of
from wallet_worker.analysis.previous import PreviousSnapshot
from wallet_worker.models import Movement, WalletReading

ALERT_CAP = 100
"""Most alerts of one type in one snapshot, the newest ones: an airdrop is no alarm of thousands."""


def change_alerts(
    reading: WalletReading,
    previous: PreviousSnapshot,
    changed: list[AssetChange],
    flows: Mapping[Asset, Flow],
    spam: Container[Address],
    thresholds: WalletThresholds,
) -> list[Alert]:
    """Return the alerts about changes, spam aside. The same change has the same id for ever.

    Args:
        reading: What was read.
        previous: What it is compared with.
        changed: All changes, the most recently moved first.
        flows: Of the tokens since the previous snapshot.
        spam: Collections that are spam.
        thresholds: Where alerts begin.
    """
    worthy = [each for each in changed if not each.is_spam]
    return [
        *_balance_changes(reading, previous, worthy, flows, thresholds.balance_change_pct),
        *_new_tokens(reading, worthy, flows),
        *_unexplained_native(reading, previous, worthy),
        *_moved_nfts(reading, flows, spam),
    ]


def _balance_changes(
    reading: WalletReading,
    previous: PreviousSnapshot,
    changed: list[AssetChange],
    flows: Mapping[Asset, Flow],
    threshold_pct: float,
) -> list[Alert]:
    """Coins whose balance changed by at least the threshold, in percent of what it was."""
    alerts = []
    for change in changed:
        if change.kind not in ("native", "erc20") or change.begin_raw in (None, "0"):
            continue
        if change.end_raw is None:
            continue
        begin, end = int(change.begin_raw or 0), int(change.end_raw)
        changed_pct = share_pct(end - begin, begin) or 0.0
        if abs(changed_pct) < threshold_pct:
            continue
        movements = _evidence(flows.get(asset_of(change)))
        name = change.symbol or change.contract_address or "native coin"
        amounts = [format_units(amount, change.decimals) or str(amount) for amount in (begin, end)]
        alerts.append(
            wallet_alert(
                reading,
                "BALANCE_CHANGE",
                severity="medium",
                subject=reading.account.address,
                keys=[change.contract_address, previous.block_number, begin, end],
                title=f"{name} went from {amounts[0]} to {amounts[1]}",
                metrics=AlertMetrics(value=changed_pct, threshold=threshold_pct),
                movements=movements,
            )
        )
    return alerts[:ALERT_CAP]


def _new_tokens(
    reading: WalletReading, changed: list[AssetChange], flows: Mapping[Asset, Flow]
) -> list[Alert]:
    """ERC-20 tokens that the wallet holds and did not hold before."""
    alerts = []
    for change in changed:
        if change.kind != "erc20" or change.begin_raw != "0" or change.end_raw in (None, "0"):
            continue
        movements = _evidence(flows.get(asset_of(change)))
        first = movements[-1].transaction_hash if movements else ""
        amount = format_units(int(change.end_raw or 0), change.decimals) or change.end_raw
        alerts.append(
            wallet_alert(
                reading,
                "NEW_TOKEN",
                severity="info",
                subject=reading.account.address,
                keys=[change.contract_address, first],
                title=f"holds {amount} {change.symbol or change.contract_address}, for the first"
                " time since the previous snapshot",
                metrics=AlertMetrics(value=1),
                movements=movements,
            )
        )
    return alerts[:ALERT_CAP]


def _unexplained_native(
    reading: WalletReading, previous: PreviousSnapshot, changed: list[AssetChange]
) -> list[Alert]:
    """Native coin that came or went although all transactions are listed.

    Tokens have the alert by their whole history, see `wallet_worker.analysis.alerts`.
    """
    return [
        wallet_alert(
            reading,
            "UNEXPLAINED_BALANCE",
            severity="low",
            subject=reading.account.address,
            keys=["native", previous.block_number, change.begin_raw, change.end_raw],
            title=f"transactions leave {format_units(int(change.unexplained_raw or 0), 18)} of the"
            " native coin unexplained",
            metrics=AlertMetrics(value=float(int(change.unexplained_raw or 0)), threshold=0),
        )
        for change in changed
        if change.kind == "native" and change.reason == "no_transaction"
    ]


def _moved_nfts(
    reading: WalletReading, flows: Mapping[Asset, Flow], spam: Container[Address]
) -> list[Alert]:
    """One alert for each transaction and collection that brought or took token ids."""
    wallet = reading.account.address
    groups: dict[tuple[str, str, str], list[Movement]] = {}
    moved = [
        each for flow in flows.values() for each in flow.movements if each.token_id is not None
    ]
    for movement in sorted(moved, key=lambda each: each.position, reverse=True):
        if movement.sender == movement.recipient or movement.amount == 0:
            continue
        if movement.contract in spam:
            continue
        kind = "NFT_SENT" if movement.sender == wallet else "NFT_RECEIVED"
        key = (kind, movement.contract, movement.transaction_hash)
        groups.setdefault(key, []).append(movement)
    alerts = [
        wallet_alert(
            reading,
            kind,
            severity="medium" if kind == "NFT_SENT" else "info",
            subject=wallet,
            keys=[contract, digest],
            title=_nft_title(kind, movements, reading.answers.metadata[movements[0].contract]),
            metrics=AlertMetrics(value=len(movements)),
            movements=movements,
        )
        for (kind, contract, digest), movements in groups.items()
    ]
    return alerts[:ALERT_CAP]


def _nft_title(kind: str, movements: list[Movement], metadata: TokenMetadata) -> str:
    what = metadata.name or movements[0].contract
    ids = ", ".join(str(each.token_id) for each in movements[:EVIDENCE_CAP])
    more = f" and {len(movements) - EVIDENCE_CAP} more" if len(movements) > EVIDENCE_CAP else ""
    return f"{'sent' if kind == 'NFT_SENT' else 'received'} {what} {ids}{more}"


def _evidence(flow: Flow | None) -> list[Movement]:
    """The movements of a flow, newest first."""
    movements = flow.movements if flow else []
    return sorted(movements, key=lambda each: each.position, reverse=True)
