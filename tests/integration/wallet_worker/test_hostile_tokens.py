"""Tokens that lie, revert or answer nonsense, on a real node without Multicall3."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot
from common.chain.proxies import IMPLEMENTATION_SLOT
from common.chain.transfers import TRANSFER, TRANSFER_SINGLE
from common.chain.types import RpcStats
from common.results.wallet_snapshot import TokenHolding
from tests.integration.evm_code import REVERTS, always, dispatch, text

if TYPE_CHECKING:
    from tests.integration.stage import Stage

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]

WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
SOMEBODY = "0x" + "51" * 20
UINT256_MAX = 2**256 - 1


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


async def test_where_the_metadata_of_a_token_are_is_told_as_its_contract_says(
    stage: "Stage", snapshot: Snapshot
) -> None:
    arrival = ((TRANSFER, SOMEBODY, WALLET, f"{5:064x}"), ())
    single = ((TRANSFER_SINGLE, SOMEBODY, SOMEBODY, WALLET), (5, 7))
    owner, amount = always(int(WALLET, 16)), always(7)
    said = {
        b"ipfs://QmSomewhere/5.json": b"ipfs://QmSomewhere/5.json",
        b"data:" + b"A" * 2_043: b"data:" + b"A" * 2_043,
        b"data:" + b"A" * 2_044: None,
    }
    expected: dict[str, str | None] = {}
    for uri, shown in said.items():
        for code, event in (("c87b56dd", arrival), ("0e89341c", single)):
            answer = dispatch({code: text(uri)}, owner if event is arrival else amount)
            contract = stage.place_emitter(answer, [event])
            expected[contract] = None if shown is None else shown.decode()
            stage.emit(contract)
    silent = stage.place_emitter(owner, [arrival])
    stage.emit(silent)
    expected[silent] = None
    stage.finish()

    for _ in range(2):  # read, then kept
        report, _stats = await snapshot(stage.url, WALLET)

        found = {each.contract_address: each.token_uri for each in report.result.nfts or []}
        assert found == expected


async def test_an_airdrop_to_the_many_is_marked_and_stays_listed(
    stage: "Stage", snapshot: Snapshot
) -> None:
    others = [((TRANSFER, "0x0", f"{0xAB0000 + number:040x}"), (5,)) for number in range(499)]
    airdrop = stage.place_emitter(always(5), [*others, ((TRANSFER, "0x0", WALLET), (5,))])
    gift = stage.place_emitter(always(5), [((TRANSFER, SOMEBODY, WALLET), (5,))])
    stage.emit(airdrop)
    stage.emit(gift)
    stage.finish()

    for _ in range(2):  # read, then kept
        report, _stats = await snapshot(stage.url, WALLET)

        marked = only(report.result.tokens, airdrop)
        assert [reason.code for reason in marked.spam.reasons] == ["mass_send"]
        assert marked.spam.is_spam
        assert not only(report.result.tokens, gift).spam.is_spam
        assert report.result.totals.spam_tokens == 1


async def test_each_option_switches_off_the_calls_of_its_part_and_no_others(
    stage: "Stage", snapshot: Snapshot, forget: Callable[[], Awaitable[None]]
) -> None:
    coins, ids = 12, 7
    owner = always(int(WALLET, 16))
    nft = stage.place_emitter(
        owner, [((TRANSFER, SOMEBODY, WALLET, f"{number:064x}"), ()) for number in range(ids)]
    )
    for _ in range(coins):
        stage.emit(stage.place_emitter(always(18), [((TRANSFER, SOMEBODY, WALLET), (18,))]))
    stage.emit(nft)
    stage.finish()

    async def calls(*, coins: bool, nfts: bool, transactions: bool) -> dict[str, int]:
        await forget()
        _, stats = await snapshot(
            stage.url,
            WALLET,
            includeTokenBalances=coins,
            includeNFTs=nfts,
            includeTransactions=transactions,
        )
        return stats.by_method

    metadata = 3
    every = await calls(coins=True, nfts=True, transactions=True)
    assert every["eth_call"] == metadata * (coins + 1) + coins + 2 * ids  # owners and URIs
    assert every["eth_getTransactionReceipt"] == coins + 1

    only_coins = await calls(coins=True, nfts=False, transactions=False)
    assert only_coins["eth_call"] == metadata * coins + coins
    assert only_coins["eth_getStorageAt"] == coins
    only_nfts = await calls(coins=False, nfts=True, transactions=False)
    assert only_nfts["eth_call"] == metadata + 2 * ids
    assert "eth_getStorageAt" not in only_nfts
    for reduced in (only_coins, only_nfts):
        assert not {
            "eth_getTransactionReceipt",
            "eth_getTransactionByHash",
            "ots_searchTransactionsBefore",
        } & set(reduced)

    nothing = await calls(coins=False, nfts=False, transactions=False)
    assert not {"eth_call", "eth_getLogs", "eth_getStorageAt"} & set(nothing)
