"""Tokens that lie, revert or answer nonsense, on a real node without Multicall3."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot
from common.chain.transfers import TRANSFER
from common.chain.types import RpcStats
from common.results.wallet_snapshot import TokenHolding
from wallet_worker.proxies import IMPLEMENTATION_SLOT

if TYPE_CHECKING:
    from tests.integration.wallet_worker.conftest import Stage

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]

WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
SOMEBODY = "0x" + "51" * 20
UINT256_MAX = 2**256 - 1

REVERTS = "60006000fd"


def always(word: int) -> str:
    """Code that answers every call, known or not, with one word."""
    return f"7f{word:064x}60005260206000f3"


def only(tokens: list[TokenHolding] | None, contract: str) -> TokenHolding:
    [token] = [each for each in tokens or [] if each.contract_address == contract]
    return token


async def test_a_token_that_logs_what_it_does_not_credit_is_no_holding(
    stage: "Stage", snapshot: Snapshot
) -> None:
    liar = stage.place_contract(always(0))
    stage.log(liar, (TRANSFER, SOMEBODY, WALLET), 1_000)
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)
    found = report.result

    assert (found.tokens, found.totals.tokens_held) == ([], 0)
    token = only(found.past_tokens, liar)
    assert (token.balance_raw, token.unexplained_raw, token.spam.is_spam) == ("0", "-1000", True)
    assert [each.amount_raw for each in found.token_transfers or []] == ["1000"]


async def test_a_token_whose_balance_of_reverts_spoils_no_other_and_is_not_zero(
    stage: "Stage", snapshot: Snapshot
) -> None:
    reverting = stage.place_contract(REVERTS)
    honest = stage.place_contract(always(18))
    stage.log(reverting, (TRANSFER, SOMEBODY, WALLET), 5)
    stage.log(honest, (TRANSFER, SOMEBODY, WALLET), 18)
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)
    found = report.result

    silent = only(found.tokens, reverting)
    assert (silent.balance_raw, silent.balance, silent.metadata_status) == (None, None, "missing")
    assert only(found.tokens, honest).balance_raw == "18"
    assert [reason.code for reason in found.warnings] == ["balance_unanswered"]
    assert (found.totals.tokens_held, found.tokens_total) == (1, 2)


async def test_the_largest_amount_stays_exact_and_senseless_decimals_give_no_amount(
    stage: "Stage", snapshot: Snapshot
) -> None:
    huge = stage.place_contract(always(UINT256_MAX))
    stage.log(huge, (TRANSFER, SOMEBODY, WALLET), UINT256_MAX)
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)
    found = report.result

    token = only(found.tokens, huge)
    assert (token.decimals, token.balance, token.metadata_status) == (None, None, "invalid")
    assert token.balance_raw == token.received_raw == str(UINT256_MAX)
    assert token.unexplained_raw == "0"
    assert [(each.amount_raw, each.amount) for each in found.token_transfers or []] == [
        (str(UINT256_MAX), None)
    ]


async def test_a_transfer_to_oneself_is_listed_once_and_moves_nothing(
    stage: "Stage", snapshot: Snapshot
) -> None:
    contract = stage.place_contract(always(9))
    stage.log(contract, (TRANSFER, SOMEBODY, WALLET), 9)
    stage.log(contract, (TRANSFER, WALLET, WALLET), 4)
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)
    found = report.result

    assert [each.direction for each in found.token_transfers or []] == ["self", "in"]
    token = only(found.tokens, contract)
    assert (token.transfer_count, token.unexplained_raw) == (2, "0")


async def test_an_address_without_code_that_once_logged_is_unknown_not_zero(
    stage: "Stage", snapshot: Snapshot
) -> None:
    destroyed = stage.place_contract(always(7))
    stage.log(destroyed, (TRANSFER, SOMEBODY, WALLET), 7)
    stage.call("anvil_setCode", destroyed, "0x")
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)

    assert only(report.result.tokens, destroyed).balance_raw is None


async def test_a_delegated_account_is_told_from_a_contract(
    stage: "Stage", snapshot: Snapshot
) -> None:
    delegate = stage.place_contract(REVERTS)
    stage.call("anvil_setCode", WALLET, "0xef0100" + delegate[2:])
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)
    wallet = report.result.wallet

    assert (wallet.is_contract, wallet.eip7702_delegate) == (False, delegate)


async def test_tokens_whose_balance_does_not_follow_their_transfers_are_told_apart(
    stage: "Stage", snapshot: Snapshot
) -> None:
    honest, taxed, rebasing, phony = (stage.place_ledger() for _ in range(4))
    arrival = (TRANSFER, SOMEBODY, WALLET)
    stage.move(honest, arrival, 1_000, 1_000)
    stage.move(taxed, arrival, 1_000, 990)
    stage.move(rebasing, arrival, 1_000, 1_000)
    stage.move(phony, arrival, 1_000, 0)
    stage.call("evm_mine")
    stage.call("anvil_setStorageAt", rebasing, "0x" + "0" * 64, f"0x{1_050:064x}")
    stage.finish()

    report, _ = await snapshot(stage.url, WALLET)
    found = report.result

    every = [*(found.tokens or []), *(found.past_tokens or [])]
    assert {each.contract_address: (each.behaviour, each.unexplained_raw) for each in every} == {
        honest: ("standard", "0"),
        taxed: ("fee_on_transfer", "-10"),
        rebasing: ("rebasing", "50"),
        phony: ("phony_events", "-1000"),
    }


async def test_without_old_states_the_behaviour_of_an_odd_token_is_unknown(
    stage: "Stage", snapshot: Snapshot
) -> None:
    taxed = stage.place_ledger()
    stage.move(taxed, (TRANSFER, SOMEBODY, WALLET), 1_000, 990)
    stage.call("anvil_mine", hex(600))  # the node keeps the states of 500 blocks

    report, _ = await snapshot(stage.url, WALLET)

    assert only(report.result.tokens, taxed).behaviour == "unknown"


async def test_a_token_that_is_a_proxy_names_what_runs_behind_it(
    stage: "Stage", snapshot: Snapshot
) -> None:
    proxy, plain = stage.place_contract(always(5)), stage.place_contract(always(5))
    behind = "0x" + "1e" * 20
    stage.call("anvil_setStorageAt", proxy, IMPLEMENTATION_SLOT, "0x" + behind[2:].rjust(64, "0"))
    for contract in (proxy, plain):
        stage.log(contract, (TRANSFER, SOMEBODY, WALLET), 5)
    stage.finish()

    for _ in range(2):  # read, then kept
        report, _ = await snapshot(stage.url, WALLET)

        assert only(report.result.tokens, proxy).implementation == behind
        assert only(report.result.tokens, plain).implementation is None
