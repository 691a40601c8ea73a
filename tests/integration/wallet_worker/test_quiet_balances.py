"""A wallet of many tokens: quiet balances are read in turn, and nothing is lost by that."""

import random
from collections.abc import Awaitable, Callable
from math import ceil
from typing import TYPE_CHECKING, Any

import pytest

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot
from common.chain.transfers import TRANSFER, TRANSFER_SINGLE
from common.chain.types import RpcStats
from common.results.wallet_changes import AssetChange
from common.results.wallet_snapshot import TokenHolding
from tests.integration.evm_code import Event, always, emitter
from wallet_worker.analysis.quiet_tokens import NEWEST_TOKENS

if TYPE_CHECKING:
    from tests.integration.stage import Stage

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]
Forget = Callable[[], Awaitable[None]]
Stored = Callable[..., dict[str, Any]]

WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
SOMEBODY = "0x" + "51" * 20
ARRIVAL = (TRANSFER, SOMEBODY, WALLET)
QUIET = 10
BEGIN = 18


@pytest.fixture
def tokens(stage: "Stage") -> list[str]:
    """Place tokens of which the first ones are quiet: those that moved last are always read."""
    placed = stage.place_many(always(BEGIN), QUIET + NEWEST_TOKENS)
    stage.log_many(placed, ARRIVAL, BEGIN)
    stage.finish()
    return placed


def word(value: int) -> str:
    return f"{value:064x}"


def holding(report: Report[WalletSnapshot], contract: str) -> TokenHolding:
    every = [*(report.result.tokens or []), *(report.result.past_tokens or [])]
    [found] = [each for each in every if each.contract_address == contract]
    return found


def token_changes(report: Report[WalletSnapshot]) -> dict[str | None, AssetChange]:
    found = report.result.changes_since_previous
    assert found is not None
    return {each.contract_address: each for each in found.assets if each.kind == "erc20"}


def reconciles(change: AssetChange) -> bool:
    begin, arrived, left, end, unexplained = (
        int(each or 0)
        for each in (
            change.begin_raw,
            change.in_raw,
            change.out_raw,
            change.end_raw,
            change.unexplained_raw,
        )
    )
    return begin + arrived - left + unexplained == end


async def test_a_rebase_of_an_unread_token_is_found_when_its_turn_comes_and_at_once_from_then_on(
    stage: "Stage", snapshot: Snapshot, stored: Stored, tokens: list[str]
) -> None:
    per_run = 3
    report, _ = await snapshot(stage.url, WALLET, quietBalances=per_run)
    assert report.result.totals.balances_carried == 0
    rebasing = tokens[QUIET - 1]
    stage.answer(rebasing, always(BEGIN + 1))

    changes: dict[str | None, AssetChange] = {}
    runs = 0
    while not changes:
        shown = holding(report, rebasing)
        assert (shown.balance_raw, shown.unexplained_raw) == (str(BEGIN), "0")
        stage.finish()
        earlier = stored(report, stage.url)
        report, _ = await snapshot(stage.url, WALLET, previous=earlier, quietBalances=per_run)
        changes, runs = token_changes(report), runs + 1
        assert runs <= ceil(len(tokens) / per_run)

    [change] = changes.values()
    assert (change.contract_address, change.reason, change.unexplained_raw) == (
        rebasing,
        "rebase",
        "1",
    )
    assert holding(report, rebasing).balance_block == report.result.window.to_block

    stage.answer(rebasing, always(BEGIN + 7))
    stage.finish()
    earlier = stored(report, stage.url)
    report, _ = await snapshot(stage.url, WALLET, previous=earlier, quietBalances=per_run)
    assert token_changes(report)[rebasing].unexplained_raw == "6"


async def test_a_transfer_of_a_quiet_token_is_seen_at_once(
    stage: "Stage", snapshot: Snapshot, stored: Stored, tokens: list[str]
) -> None:
    first, _ = await snapshot(stage.url, WALLET, quietBalances=1)
    moved = tokens[QUIET - 1]
    stage.log(moved, (TRANSFER, WALLET, SOMEBODY), 5)
    stage.answer(moved, always(BEGIN - 5))
    stage.finish()

    second, _ = await snapshot(
        stage.url, WALLET, previous=stored(first, stage.url), quietBalances=1
    )

    [change] = token_changes(second).values()
    assert (change.contract_address, change.end_raw, change.reason) == (moved, "13", None)
    assert holding(second, moved).balance_block == second.result.window.to_block


async def test_what_was_not_read_is_told_with_the_block_at_which_it_was(
    stage: "Stage", snapshot: Snapshot, tokens: list[str]
) -> None:
    first, _ = await snapshot(stage.url, WALLET, quietBalances=4)
    stage.finish()
    second, stats = await snapshot(stage.url, WALLET, quietBalances=4)

    assert stats.by_method["eth_call"] == 4 + NEWEST_TOKENS
    found, then = second.result, first.result.window.to_block
    carried = [each for each in found.tokens or [] if each.balance_block == then]
    assert len(carried) == found.totals.balances_carried == QUIET - 4
    assert {each.contract_address for each in carried} < set(tokens[:QUIET])
    assert {each.balance_raw for each in found.tokens or []} == {str(BEGIN)}
    assert found.completeness.status == "partial"
    [reason] = found.completeness.reasons
    assert reason.code == "balances_carried"
    assert f"6 of 30 token balances were last read between the blocks {then} and {then}" in (
        reason.detail
    )
    assert [alert.type for alert in second.alerts] == ["DATA_INCOMPLETE"]


async def test_a_usual_wallet_a_past_block_and_a_run_that_asks_for_all_are_read_in_full(
    stage: "Stage", snapshot: Snapshot, tokens: list[str]
) -> None:
    await snapshot(stage.url, WALLET)
    past = int(stage.call("eth_blockNumber"), 16)
    stage.finish()

    for options in ({}, {"quietBalances": 1, "atBlock": past - 50}, {"quietBalances": 0}):
        report, _ = await snapshot(stage.url, WALLET, **options)

        assert report.result.totals.balances_carried == 0
        assert report.result.completeness.status == "complete"
        assert {each.balance_block for each in report.result.tokens or []} == {
            report.result.window.to_block
        }


async def test_a_snapshot_of_a_past_block_does_not_disturb_the_turns(
    stage: "Stage", snapshot: Snapshot, tokens: list[str]
) -> None:
    await snapshot(stage.url, WALLET, quietBalances=5)
    stage.finish()
    now, _ = await snapshot(stage.url, WALLET, quietBalances=5)
    await snapshot(stage.url, WALLET, atBlock=now.result.window.to_block)
    stage.finish()
    later, _ = await snapshot(stage.url, WALLET, quietBalances=5)

    read_then = now.result.window.to_block
    assert [holding(later, each).balance_block == read_then for each in tokens[:QUIET]] == [
        holding(now, each).balance_block == read_then for each in tokens[:QUIET]
    ]


async def test_whatever_happens_every_run_reconciles_and_after_all_turns_nothing_is_lost(
    stage: "Stage", snapshot: Snapshot, stored: Stored, forget: Forget, tokens: list[str]
) -> None:
    chance = random.Random(11)  # noqa: S311 - the same story in each session
    per_run = 4
    balances = dict.fromkeys(tokens, BEGIN)
    report, _ = await snapshot(stage.url, WALLET, quietBalances=per_run)
    for run in range(4 + ceil(len(tokens) / per_run)):
        for token in chance.sample(tokens, 3) if run < 4 else []:
            amount, rebase = chance.randrange(5), chance.choice([0, 0, 0, 3, -1])
            topics = chance.choice([ARRIVAL, (TRANSFER, WALLET, SOMEBODY), None])
            if topics is not None:
                stage.log(token, topics, amount)
                balances[token] += amount if topics == ARRIVAL else -amount
            balances[token] = max(0, balances[token] + rebase)
            stage.answer(token, always(balances[token]))
        stage.finish()
        earlier = stored(report, stage.url)
        report, _ = await snapshot(stage.url, WALLET, previous=earlier, quietBalances=per_run)
        before = {each["contractAddress"]: each["balanceRaw"] for each in earlier["tokens"]}
        after = {each.contract_address: each.balance_raw for each in report.result.tokens or []}
        changes = token_changes(report)
        assert all(reconciles(each) for each in changes.values())
        assert {each for each in tokens if before.get(each) != after.get(each)} <= set(changes)

    await forget()
    scratch, _ = await snapshot(stage.url, WALLET)
    for token in tokens:
        shown, exact = holding(report, token), holding(scratch, token)
        assert shown.balance_raw == exact.balance_raw == str(balances[token])
        assert shown.unexplained_raw == exact.unexplained_raw


@pytest.mark.parametrize(
    ("event", "held", "gone"),
    [
        (lambda number: ((TRANSFER, SOMEBODY, WALLET, word(number)), ()), int(WALLET, 16), 7),
        (lambda number: ((TRANSFER_SINGLE, SOMEBODY, SOMEBODY, WALLET), (number, 1)), 1, 0),
    ],
    ids=["erc721", "erc1155"],
)
async def test_ids_of_nfts_are_asked_for_in_turn_as_well(
    stage: "Stage",
    snapshot: Snapshot,
    event: Callable[[int], Event],
    held: int,
    gone: int,
) -> None:
    per_run = 3
    old = stage.place_emitter(always(held), [event(number) for number in range(QUIET)])
    new = stage.place_emitter(always(held), [event(number) for number in range(NEWEST_TOKENS)])
    stage.emit(old)
    stage.emit(new)
    stage.finish()
    first, _ = await snapshot(stage.url, WALLET, quietBalances=per_run)
    assert (first.result.nfts_total, first.result.totals.nfts_carried) == (QUIET + 20, 0)

    stage.call("anvil_setCode", old, emitter(always(gone), []))  # taken away without an event
    left = []
    for run in range(1, ceil(QUIET / per_run) + 1):
        stage.finish()
        report, stats = await snapshot(stage.url, WALLET, quietBalances=per_run)
        found, known_gone = report.result, min(per_run * run, QUIET)
        left.append((found.nfts_total or 0) - NEWEST_TOKENS)
        assert left[-1] == found.totals.nfts_carried == QUIET - known_gone
        assert stats.by_method["eth_call"] == NEWEST_TOKENS + known_gone
        assert {
            each.verified_block for each in found.nfts or [] if each.contract_address == old
        } <= {first.result.window.to_block}
        assert ("nfts_carried" in {each.code for each in found.completeness.reasons}) == (
            left[-1] > 0
        )
    assert left[-1] == 0

    stage.emit(stage.place_emitter(always(held), [event(99)]))
    stage.finish()
    report, _ = await snapshot(stage.url, WALLET, quietBalances=per_run)
    assert report.result.nfts is not None
    assert (report.result.nfts[0].token_id, report.result.nfts[0].verified_block) == (
        "99",
        report.result.window.to_block,
    )
