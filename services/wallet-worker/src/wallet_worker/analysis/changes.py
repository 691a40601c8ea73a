"""Reconciliation of two snapshots: begin + in - out = end, asset by asset.

Source of the rule: TrueBlocks, statements of account: every balance change is either explained by
what was recorded or shown as a difference with a reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from common.chain.transfers import WrapEvent
from common.chain.types import Address, TokenMetadata
from common.results.envelope import Reason
from common.results.wallet_changes import AssetChange, AssetReference, Remainder, WalletChanges
from common.results.wallet_snapshot import LIST_CAP, NftHolding, TokenHolding
from wallet_worker.analysis.native_flows import NativeFlows
from wallet_worker.analysis.nfts import nft_standard
from wallet_worker.analysis.previous import PreviousSnapshot
from wallet_worker.models import Movement, Position

Asset: TypeAlias = tuple[Address | None, int | None]
"""Contract and token id; (None, None) is the native coin."""

NATIVE: Asset = (None, None)
_NEVER: Position = (-1, -1, -1)


@dataclass(slots=True)
class Flow:
    """What arrived and left of one asset in the window, by the logs."""

    arrived: int = 0
    left: int = 0
    newest: Position = _NEVER
    movements: list[Movement] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the wallet has now, of the kinds that were read; all of it, before any list is cut.

    Attributes:
        tokens: None when not read; those that are gone are in it with a balance of 0.
        nfts: None when not read.
        unanswered_nfts: ERC-1155 ids whose contract does not state an amount.
    """

    native_wei: int
    tokens: Sequence[TokenHolding] | None
    nfts: Sequence[NftHolding] | None
    unanswered_nfts: frozenset[tuple[Address, int]] = frozenset()


def flows_since(
    wallet: Address, block: int, movements: Sequence[Movement], wraps: Sequence[WrapEvent]
) -> dict[Asset, Flow]:
    """Return the flows of every token after `block`, each movement counted once."""
    flows: dict[Asset, Flow] = {}
    for movement in movements:
        if movement.block_number > block:
            flow = flows.setdefault((movement.contract, movement.token_id), Flow())
            flow.arrived += movement.amount if movement.recipient == wallet else 0
            flow.left += movement.amount if movement.sender == wallet else 0
            flow.newest = max(flow.newest, movement.position)
            flow.movements.append(movement)
    for wrap in wraps:
        if wrap.block_number > block:
            flow = flows.setdefault((wrap.contract, None), Flow())
            flow.arrived += wrap.amount if wrap.kind == "deposit" else 0
            flow.left += wrap.amount if wrap.kind == "withdrawal" else 0
            flow.newest = max(flow.newest, (wrap.block_number, wrap.log_index, 0))
    return flows


def classify_remainder(begin: int, arrived: int, left: int, end: int) -> Remainder | None:
    """Return why `end` differs from begin + in - out for a token; None when it does not."""
    unexplained = end - (begin + arrived - left)
    if unexplained == 0:
        return None
    if arrived == left == 0:
        return "rebase"
    if end == begin:
        return "phony_event"
    if unexplained > 0:
        return "implied_mint"
    return "fee_on_transfer" if -unexplained < arrived else "implied_burn"


def changed_assets(
    previous: PreviousSnapshot,
    now: Holdings,
    flows: Mapping[Asset, Flow],
    native: NativeFlows,
    metadata: Mapping[Address, TokenMetadata],
    native_symbol: str | None,
) -> list[AssetChange]:
    """Return every change since `previous`, in the order that `WalletChanges` describes.

    Args:
        previous: The earlier snapshot.
        now: What the wallet has now.
        flows: Of the tokens, since the block of `previous`.
        native: Of the native coin, since that block.
        metadata: Of the contracts in `flows`.
        native_symbol: Symbol of the native coin.
    """
    changes = [
        *_token_changes(previous, now, flows, metadata),
        *_nft_changes(previous, now, flows, metadata),
    ]
    changed = sorted(
        (each for each in changes if _has_changed(each)),
        key=lambda each: (each.is_spam, _newest_first(flows, each), _asset_text(each)),
    )
    native_change = _native_change(previous, now, native, native_symbol)
    if _has_changed(native_change):
        changed.insert(0, native_change)
    return changed


def wallet_changes(
    previous: PreviousSnapshot, now: Holdings, changed: Sequence[AssetChange]
) -> WalletChanges:
    """Return the changes as the result shows them."""
    added = [_reference(each) for each in changed if each.begin_raw == "0" and _is_held(each)]
    removed = [
        _reference(each)
        for each in changed
        if each.end_raw == "0" and each.begin_raw not in (None, "0")
    ]
    return WalletChanges(
        previous_snapshot_id=previous.snapshot_id,
        previous_block=previous.block_number,
        assets=list(changed[:LIST_CAP]),
        assets_total=len(changed),
        added=added[:LIST_CAP],
        added_total=len(added),
        removed=removed[:LIST_CAP],
        removed_total=len(removed),
        not_compared=_not_compared(previous, now),
    )


def _token_changes(
    previous: PreviousSnapshot,
    now: Holdings,
    flows: Mapping[Asset, Flow],
    metadata: Mapping[Address, TokenMetadata],
) -> list[AssetChange]:
    if previous.tokens is None or now.tokens is None:
        return []
    changes = []
    for holding in now.tokens:
        contract = Address(holding.contract_address)
        absent = 0 if previous.has_all_tokens else None
        changes.append(
            _change(
                AssetReference(
                    kind="erc20",
                    contract_address=contract,
                    token_id=None,
                    symbol=holding.symbol,
                ),
                previous.tokens.get(contract, absent),
                flows.get((contract, None), Flow()),
                None if holding.balance_raw is None else int(holding.balance_raw),
                decimals=metadata[contract].decimals,
                is_spam=holding.spam.is_spam,
            )
        )
    return changes


def _nft_changes(
    previous: PreviousSnapshot,
    now: Holdings,
    flows: Mapping[Asset, Flow],
    metadata: Mapping[Address, TokenMetadata],
) -> list[AssetChange]:
    if previous.nfts is None or now.nfts is None:
        return []
    held = {(Address(each.contract_address), int(each.token_id)): each for each in now.nfts}
    moved = {
        (contract, token_id): flow
        for (contract, token_id), flow in flows.items()
        if contract is not None and token_id is not None
    }
    absent = 0 if previous.has_all_nfts else None
    standards = {
        contract: nft_standard(movement)
        for (contract, _), flow in moved.items()
        for movement in flow.movements[:1]
    }
    changes = []
    for key in sorted({*previous.nfts, *held, *moved}):
        contract, token_id = key
        holding = held.get(key)
        end: int | None = int(holding.balance_raw) if holding else 0
        changes.append(
            _change(
                AssetReference(
                    kind=holding.standard if holding else standards.get(contract, "erc721"),
                    contract_address=contract,
                    token_id=str(token_id),
                    symbol=metadata[contract].symbol if contract in metadata else None,
                ),
                previous.nfts.get(key, absent),
                moved.get(key, Flow()),
                None if key in now.unanswered_nfts else end,
                decimals=None,
                is_spam=holding.spam.is_spam if holding else False,
            )
        )
    return changes


def _change(
    asset: AssetReference,
    begin: int | None,
    flow: Flow,
    end: int | None,
    *,
    decimals: int | None,
    is_spam: bool,
) -> AssetChange:
    known = begin is not None and end is not None
    return AssetChange(
        **asset.model_dump(),
        decimals=decimals,
        begin_raw=None if begin is None else str(begin),
        in_raw=str(flow.arrived),
        out_raw=str(flow.left),
        end_raw=None if end is None else str(end),
        unexplained_raw=(
            str(end - (begin + flow.arrived - flow.left))
            if begin is not None and end is not None
            else None
        ),
        reason=(
            classify_remainder(begin or 0, flow.arrived, flow.left, end or 0)
            if known
            else "unknown"
        ),
        is_spam=is_spam,
    )


def _native_change(
    previous: PreviousSnapshot, now: Holdings, native: NativeFlows, symbol: str | None
) -> AssetChange:
    expected = previous.native_wei + native.arrived_wei - native.left_wei
    unexplained = now.native_wei - expected
    reason: Remainder = "no_transaction" if native.is_complete else "not_listed"
    return AssetChange(
        kind="native",
        contract_address=None,
        token_id=None,
        symbol=symbol,
        decimals=18,
        begin_raw=str(previous.native_wei),
        in_raw=str(native.arrived_wei),
        out_raw=str(native.left_wei),
        end_raw=str(now.native_wei),
        unexplained_raw=str(unexplained),
        reason=reason if unexplained else None,
        is_spam=False,
    )


def _has_changed(change: AssetChange) -> bool:
    moved = (change.in_raw, change.out_raw) != ("0", "0")
    return moved or change.begin_raw != change.end_raw


def _is_held(change: AssetChange) -> bool:
    return change.end_raw not in (None, "0")


def _reference(change: AssetChange) -> AssetReference:
    return AssetReference(
        kind=change.kind,
        contract_address=change.contract_address,
        token_id=change.token_id,
        symbol=change.symbol,
    )


def asset_of(change: AssetReference) -> Asset:
    """Return the key of an asset in flows."""
    contract = None if change.contract_address is None else Address(change.contract_address)
    return contract, None if change.token_id is None else int(change.token_id)


def _newest_first(flows: Mapping[Asset, Flow], change: AssetChange) -> tuple[int, ...]:
    flow = flows.get(asset_of(change))
    return tuple(-part for part in (flow.newest if flow else _NEVER))


def _asset_text(change: AssetChange) -> str:
    return f"{change.contract_address}:{change.token_id}"


def _not_compared(previous: PreviousSnapshot, now: Holdings) -> list[Reason]:
    reasons = []
    for kind, before, after, complete in (
        ("tokens", previous.tokens, now.tokens, previous.has_all_tokens),
        ("nfts", previous.nfts, now.nfts, previous.has_all_nfts),
    ):
        if before is None or after is None:
            which = "the previous snapshot" if before is None else "this snapshot"
            reasons.append(Reason(code=f"{kind}_not_read", detail=f"{which} did not read {kind}"))
        elif not complete:
            detail = f"the previous snapshot lists {len(before)} {kind}, which are not all"
            reasons.append(Reason(code=f"{kind}_cut", detail=detail))
    return reasons
