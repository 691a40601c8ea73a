"""Addresses that are no token, and tokens that do what none should: on a real node."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from common.actions.analyze_coin_flows import CoinFlowPayload
from common.actions.handler import Report
from common.chain.proxies import IMPLEMENTATION_SLOT
from common.chain.transfers import TRANSFER, WETH_DEPOSIT, WETH_WITHDRAWAL
from common.errors import PayloadError
from common.results.coin_flows import CoinFlowAnalysis
from tests.integration.evm_code import REVERTS, Event, dispatch, text, words
from tests.integration.stage import Stage
from token_worker.handler import analyze_coin_flows

Analyze = Callable[..., Awaitable[CoinFlowAnalysis]]

NOBODY, ANN, BEN = "0x" + "00" * 20, "0x" + "a1" * 20, "0x" + "b2" * 20
LARGEST = 2**256 - 1
NAME, SYMBOL, DECIMALS = "06fdde03", "95d89b41", "313ce567"
SUPPLY, BALANCE = "18160ddd", "70a08231"
DEPOSIT_AND_WITHDRAW = "d0e30db0", "2e1a7d4d"


@pytest.fixture
def analyze_staged(run_handler: Callable[..., Any], stage: Stage) -> Analyze:
    """Analyse a token of the stage; keyword arguments are options of the job."""

    async def run(token: str, **options: Any) -> CoinFlowAnalysis:
        stage.finish()
        payload = CoinFlowPayload.model_validate({"tokenAddress": token, "options": options})
        report: Report[CoinFlowAnalysis]
        report, _ = await run_handler(analyze_coin_flows, payload, stage.url)
        return report.result

    return run


def moved(sender: str, recipient: str, amount: int) -> Event:
    return (TRANSFER, sender, recipient), (amount,)


def token_code(
    supply: int = 1_000, balance: int = 500, answers: Mapping[str, str] | None = None
) -> str:
    """Code of a token with the same balance for everybody; `answers` replace or add some."""
    told = {NAME: text(b"Odd"), SYMBOL: text(b"ODD"), DECIMALS: words(2)}
    told |= {SUPPLY: words(supply), BALANCE: words(balance)}
    return dispatch({**told, **(answers or {})}, otherwise=REVERTS)


def place(stage: Stage, events: list[Event], code: str) -> str:
    token = stage.place_emitter(code, events)
    stage.emit(token)
    return token


WINDOWS = [{"transactionLimit": 1_000}, {"fullHistory": True}]
both_windows = pytest.mark.parametrize("window", WINDOWS, ids=["newest", "whole"])


@both_windows
async def test_a_contract_that_is_gone_is_told_as_one_without_code(
    stage: Stage, analyze_staged: Analyze, window: dict[str, Any]
) -> None:
    token = place(stage, [moved(NOBODY, ANN, 5)], token_code())
    stage.call("anvil_setCode", token, "0x")  # what selfdestruct leaves

    with pytest.raises(PayloadError, match="no contract at"):
        await analyze_staged(token, **window)


@both_windows
async def test_a_token_that_never_moved_gets_an_empty_report_that_says_so(
    stage: Stage, analyze_staged: Analyze, window: dict[str, Any]
) -> None:
    token = stage.place_emitter(token_code(balance=0), [])

    result = await analyze_staged(token, **window)

    assert result.summary.transfer_count == 0
    assert [warning.code for warning in result.warnings] == ["no_transfers"]
    assert result.completeness.status == "complete"


@pytest.mark.parametrize(
    ("answer", "decimals"),
    [
        (REVERTS, None),
        (words(79), None),
        (words(LARGEST), None),
        (words(0), 0),
        (words(77), 77),
        (words(78), 78),
    ],
)
async def test_decimals_are_told_where_they_make_sense(
    stage: Stage, analyze_staged: Analyze, answer: str, decimals: int | None
) -> None:
    token = place(stage, [moved(NOBODY, ANN, 500)], token_code(answers={DECIMALS: answer}))

    result = await analyze_staged(token)

    assert result.token.decimals == decimals
    assert result.large_transfers[0].amount_raw == "500"
    assert (result.large_transfers[0].amount is None) == (decimals is None)
    assert ("decimals_unknown" in {each.code for each in result.warnings}) == (decimals is None)


async def test_text_that_is_none_is_told_as_it_can_be(
    stage: Stage, analyze_staged: Analyze
) -> None:
    answers = {SYMBOL: words(int.from_bytes(b"MKR".ljust(32, b"\0"), "big")), NAME: text(b"\xff")}

    result = await analyze_staged(
        place(stage, [moved(NOBODY, ANN, 5)], token_code(answers=answers))
    )

    assert result.token.symbol == "MKR"
    assert result.summary.transfer_count == 1


@both_windows
async def test_sums_beyond_256_bits_stay_exact(
    stage: Stage, analyze_staged: Analyze, window: dict[str, Any]
) -> None:
    events = [moved(ANN, BEN, LARGEST), moved(ANN, BEN, LARGEST), moved(BEN, BEN, LARGEST)]

    result = await analyze_staged(
        place(stage, events, token_code(supply=LARGEST, balance=LARGEST)), **window
    )

    assert result.summary.volume_raw == str(3 * LARGEST)
    assert result.size_distribution.max_raw == str(LARGEST)
    assert result.flow_graph.edges[0].amount_raw == str(2 * LARGEST)
    nets = {flow.address: flow.net_raw for flow in result.net_flows}
    assert nets == {ANN: str(-2 * LARGEST), BEN: str(2 * LARGEST)}
    assert result.summary.self_transfer_count == 1


@both_windows
async def test_balances_that_no_transfer_made_are_the_tokens_own(
    stage: Stage, analyze_staged: Analyze, window: dict[str, Any]
) -> None:
    """The history begins with a sale of what nobody was ever given."""
    token = place(stage, [moved(ANN, BEN, 400)], token_code(supply=1_000, balance=500))

    result = await analyze_staged(token, **window)

    assert {each.address: each.balance_raw for each in result.holders.top}[ANN] == "500"
    assert result.token.compliance != "standard"


@both_windows
async def test_transfers_that_move_nothing_are_kept_apart_one_by_one(
    stage: Stage, analyze_staged: Analyze, window: dict[str, Any]
) -> None:
    events = [moved(NOBODY, ANN, 30), moved(NOBODY, BEN, 20)]
    token = place(stage, events, token_code(supply=0, balance=0))

    result = await analyze_staged(token, **window)

    assert result.token.compliance == "phony_events"
    assert result.phony_transfers_total == 2
    assert [(each.unmoved, each.amount_raw) for each in result.phony_transfers] == [
        (BEN, "20"),
        (ANN, "30"),
    ]


@both_windows
async def test_a_wrap_counts_once_whatever_events_tell_of_it(
    stage: Stage, analyze_staged: Analyze, window: dict[str, Any]
) -> None:
    silent: list[Event] = [((WETH_DEPOSIT, ANN), (70,)), ((WETH_WITHDRAWAL, ANN), (20,))]
    told_twice = [
        *silent,
        moved(NOBODY, ANN, 70),
        moved(ANN, NOBODY, 20),
    ]
    selectors = dict.fromkeys(DEPOSIT_AND_WITHDRAW, words(1))
    for events in (silent, told_twice):
        token = place(stage, events, token_code(supply=50, balance=50, answers=selectors))

        summary = (await analyze_staged(token, **window)).summary

        assert (summary.minted_raw, summary.burned_raw) == ("70", "20")
        assert (summary.mint_count, summary.burn_count) == (1, 1)


async def test_deposits_into_what_is_no_wrapper_are_no_mints(
    stage: Stage, analyze_staged: Analyze
) -> None:
    events: list[Event] = [((WETH_DEPOSIT, ANN), (70,)), moved(NOBODY, ANN, 5)]

    summary = (await analyze_staged(place(stage, events, token_code()))).summary

    assert (summary.transfer_count, summary.minted_raw) == (1, "5")


async def test_a_proxy_is_told_with_the_code_behind_it(
    stage: Stage, analyze_staged: Analyze
) -> None:
    token = place(stage, [moved(NOBODY, ANN, 5)], token_code())
    behind = stage.place_contract(REVERTS)
    stage.call("anvil_setStorageAt", token, IMPLEMENTATION_SLOT, f"0x{int(behind, 16):064x}")

    result = await analyze_staged(token)

    assert (result.token.is_proxy, result.token.implementation) == (True, behind)


async def test_a_limit_inside_a_block_takes_all_of_the_block(
    stage: Stage, analyze_staged: Analyze
) -> None:
    token = stage.place_emitter(token_code(), [moved(NOBODY, ANN, 1)] * 5)
    stage.emit(token)
    stage.emit(token)

    result = await analyze_staged(token, transactionLimit=6)

    assert (result.summary.transfer_count, result.window.truncated) == (10, False)
    assert (await analyze_staged(token, transactionLimit=5)).window.truncated


async def test_a_block_with_more_transfers_than_any_limit_is_read_whole(
    stage: Stage, analyze_staged: Analyze
) -> None:
    """20,001 events of one token in one block, more than most providers answer at once."""
    token = stage.place_emitter(token_code(), [moved(ANN, BEN, 1)] * 59)
    stage.call("evm_setBlockGasLimit", hex(10**10))
    for _ in range(339):
        command = {"from": stage.account, "to": token, "gas": hex(500_000)}
        stage.call("eth_sendTransaction", command)
    stage.call("evm_mine")

    result = await analyze_staged(token, transactionLimit=1)

    assert result.summary.transfer_count == 59 * 339 == 20_001
    assert result.summary.transaction_count == 339
    assert (result.window.truncated, result.summary.volume_raw) == (False, "20001")
