"""Common funders and flash loans on a chain where wallets were really funded, and really traded."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from common.actions.handler import Report
from common.chain.types import RpcStats
from common.results.nft_movements import NftMovementAnalysis, SuspiciousPattern
from local_chain.addresses import COLLECTION, CREATOR, MARKETPLACE, account
from local_chain.deployment import deploy
from local_chain.execution import BlockMaker, check_receipts
from local_chain.nft_actions import approve_nfts, buy_nft, mint_nfts
from local_chain.node import Node
from local_chain.plan import Transaction
from local_stack.servers import AnvilServer
from nft_worker.analysis.lenders import BALANCER_LOAN
from nft_worker.funder_reader import SERVICE_NONCE

Analysis = Callable[..., Awaitable[tuple[Report[NftMovementAnalysis], RpcStats]]]

ETHER = 10**18
PUPPETEER, EXCHANGE, CAROL = account("puppeteer"), account("exchange"), account("carol")
ALICE, BOB, DAVE = account("alice"), account("bob"), account("dave")
ERIN, FRANK = account("erin"), account("frank")
GRACE, HEIDI = account("grace"), account("heidi")
IVAN, JUDY, MARKET_MAKER = account("ivan"), account("judy"), account("market maker")
LENDER = "0xba12222222228d8ba445958a75a0704d566bf2c8"
SHARED, ONE_BY_ONE_OTHER, BY_EXCHANGE, HONEST, BORROWED = range(5)
"""Token ids: by whom their traders were funded, or with what they were paid."""
AROUND = range(5, 8)
"""Token ids: sold around among two wallets and a contract."""


def fund(funder: str, wallet: str) -> Transaction:
    return Transaction(funder, wallet, value=5 * ETHER)


def round_trip(token_id: int, one: str, other: str) -> list[Transaction]:
    return [buy_nft(other, one, token_id, ETHER), buy_nft(one, other, token_id, ETHER)]


STORY: Sequence[Sequence[Transaction]] = (
    [fund(PUPPETEER, ALICE), fund(CAROL, DAVE), fund(EXCHANGE, ERIN), fund(PUPPETEER, GRACE)],
    [fund(PUPPETEER, BOB), fund(EXCHANGE, FRANK), fund(PUPPETEER, HEIDI)],
    [fund(CREATOR, trader) for trader in (IVAN, JUDY, MARKET_MAKER)],
    [
        mint_nfts(owner, range(token_id, token_id + 1))
        for token_id, owner in enumerate(
            (ALICE, CAROL, ERIN, GRACE, GRACE, IVAN, JUDY, MARKET_MAKER)
        )
    ],
    [
        approve_nfts(COLLECTION, owner, MARKETPLACE)
        for owner in (ALICE, BOB, CAROL, DAVE, ERIN, FRANK, GRACE, HEIDI, IVAN, JUDY, MARKET_MAKER)
    ],
    round_trip(SHARED, ALICE, BOB),
    round_trip(ONE_BY_ONE_OTHER, CAROL, DAVE),
    round_trip(BY_EXCHANGE, ERIN, FRANK),
    [buy_nft(HEIDI, GRACE, HONEST, ETHER)],
    [
        buy_nft(buyer, seller, token_id, ETHER)
        for token_id, (seller, buyer) in zip(
            AROUND, pairwise((IVAN, JUDY, MARKET_MAKER, IVAN)), strict=True
        )
    ],
)


@pytest.fixture(scope="module")
def funded_url(servers_directory: Path) -> Iterator[str]:
    """RPC URL of a chain on which the story happened."""
    server = AnvilServer(servers_directory / "funded-anvil.log")
    try:
        server.start()
        with Node(server.url) as node:
            tell_story(node)
        yield server.url
    finally:
        server.kill()


def tell_story(node: Node) -> None:
    node.batch([("evm_setAutomine", [False]), ("anvil_autoImpersonateAccount", [True])])
    rich = (PUPPETEER, CAROL, EXCHANGE, CREATOR)
    node.batch([("anvil_setBalance", [each, hex(100 * ETHER)]) for each in rich])
    node.call("anvil_setNonce", EXCHANGE, hex(SERVICE_NONCE))
    time = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=20)
    blocks = BlockMaker(node)
    executed = deploy(node, blocks, time)
    for transactions in STORY:
        time += timedelta(hours=1)
        executed += blocks.mine(time, transactions)
    node.call("anvil_setCode", MARKET_MAKER, "0x00")
    lend_to_the_marketplace(node)
    executed += blocks.mine(time + timedelta(hours=1), [buy_nft(HEIDI, GRACE, BORROWED, ETHER)])
    check_receipts(node, executed)
    for hours in (2, 3, 4):  # until the story counts as final
        blocks.mine(time + timedelta(hours=hours), [])
    node.call("evm_setAutomine", True)


def lend_to_the_marketplace(node: Node) -> None:
    """Let every sale from now on happen within a transaction that has the lender log a loan."""
    moved = account("marketplace behind the loan")
    node.call("anvil_setCode", moved, node.call("eth_getCode", MARKETPLACE, "latest"))
    loan = f"0x600060007f{BALANCER_LOAN[2:]}60406000a300"  # log3 with two words of zeroes
    node.call("anvil_setCode", LENDER, loan)
    call_lender = f"6000600060006000600073{LENDER[2:]}5af150"
    delegate = f"3660006000376000600036600073{moved[2:]}5af400"
    node.call("anvil_setCode", MARKETPLACE, f"0x{call_lender}{delegate}")


def patterns(found: NftMovementAnalysis, kind: str) -> list[SuspiciousPattern]:
    return [each for each in found.suspicious_patterns if each.type == kind]


def ties(found: NftMovementAnalysis) -> set[tuple[str, ...]]:
    return {tuple(each.addresses) for each in patterns(found, "common_funder")}


EXPECTED_TIES = {
    tuple(sorted(wallets))
    for wallets in ((ALICE, BOB, PUPPETEER), (CAROL, DAVE), (GRACE, HEIDI, PUPPETEER))
}


async def test_traders_with_one_funder_are_told_and_those_of_an_exchange_are_not(
    funded_url: str, analysis: Analysis, between: Callable[..., Awaitable[str]]
) -> None:
    looked_up: set[str] = set()  # a call that is repeated looks up nobody else

    def note(call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if call["method"] == "trace_filter":
            looked_up.update(call["params"][0]["toAddress"])
        return answer

    report, _ = await analysis(await between(note, funded_url), COLLECTION)

    found = report.result
    assert ties(found) == EXPECTED_TIES
    assert looked_up == {*(ALICE, BOB, CAROL, DAVE, ERIN, FRANK), *(GRACE, HEIDI)}  # with a loan
    assert found.filters_not_evaluated == []
    [shared] = [each for each in patterns(found, "common_funder") if ALICE in each.addresses]
    assert "got their first coin from" in shared.explanation
    assert set(shared.rules) == {"closed_cycle", "swap_back", "common_funder"}
    assert (shared.score, shared.severity) == (1 - 0.2 * 0.5 * 0.5, "high")
    alerts = [each for each in report.alerts if each.type == "COMMON_FUNDER"]
    assert {each.subject.token_id for each in alerts} == {"0", "1", "4"}
    by_exchange = [each for each in found.sales if each.token_id == str(BY_EXCHANGE)]
    assert {tuple(each.wash.filters) for each in by_exchange} == {("closed_cycle", "swap_back")}


async def test_an_honest_sale_is_not_suspected_for_its_funder(
    funded_url: str, analysis: Analysis
) -> None:
    report, _ = await analysis(funded_url, COLLECTION)

    [sale] = [each for each in report.result.sales if each.token_id == str(HONEST)]
    assert (sale.wash.score, sale.wash.filters) == (0.0, [])


async def test_a_sale_in_a_transaction_that_borrowed_is_a_flash_loan(
    funded_url: str, analysis: Analysis
) -> None:
    report, _ = await analysis(funded_url, COLLECTION)

    [loan] = patterns(report.result, "flash_loan")
    [sale] = [each for each in report.result.sales if each.token_id == str(BORROWED)]
    assert loan.transaction_hashes == [sale.transaction_hash]
    assert "took a flash loan of Balancer 2" in loan.explanation
    # both were funded by the puppeteer: suspected for the loan, they are looked up
    assert sale.wash.filters == ["common_funder", "flash_loan"]


async def test_a_ring_through_a_contract_is_none_though_no_token_came_back(
    funded_url: str, analysis: Analysis
) -> None:
    report, _ = await analysis(funded_url, COLLECTION)

    around = [each for each in report.result.sales if int(each.token_id) in AROUND]
    assert [(each.price_raw, each.wash.score) for each in around] == [(str(ETHER), 0.0)] * 3
    assert patterns(report.result, "token_ring") == []


async def test_without_traces_an_archive_tells_the_same(
    funded_url: str,
    analysis: Analysis,
    refusing: Callable[..., Awaitable[str]],
) -> None:
    url = await refusing(("trace_filter", "trace_block"), NOT_FOUND, funded_url)

    report, stats = await analysis(url, COLLECTION)

    assert ties(report.result) == EXPECTED_TIES
    assert report.result.filters_not_evaluated == []
    repeats = 8 * stats.retries
    assert stats.by_method["eth_getBalance"] <= 8 * 5 + repeats  # halving 16 blocks


async def test_without_both_the_rule_is_named_and_the_others_still_judge(
    funded_url: str,
    analysis: Analysis,
    refusing: Callable[..., Awaitable[str]],
) -> None:
    missing = {"code": -32000, "message": "missing trie node 0xaa (path ) state is not available"}
    url = await refusing(("trace_filter", "eth_getTransactionCount"), missing, funded_url)

    report, _ = await analysis(url, COLLECTION)

    found = report.result
    assert (found.filters_not_evaluated, ties(found)) == (["common_funder"], set())
    assert "8 of 8 wallets is not known" in found.warnings[0].detail
    assert {each.token_ids[0] for each in patterns(found, "swap_back")} == {"0", "1", "2"}


async def test_the_search_can_be_switched_off_and_limited(
    funded_url: str, analysis: Analysis
) -> None:
    off, stats = await analysis(funded_url, COLLECTION, funderWallets=0)
    few, _ = await analysis(funded_url, COLLECTION, funderWallets=2)

    assert stats.by_method.keys().isdisjoint({"trace_filter", "eth_getBalance"})
    assert off.result.filters_not_evaluated == few.result.filters_not_evaluated == ["common_funder"]
    assert "funderWallets is 0" in off.result.warnings[0].detail
    assert "2 of 8 wallets" in few.result.warnings[0].detail


async def test_a_funder_is_searched_once(funded_url: str, analysis: Analysis) -> None:
    first, _ = await analysis(funded_url, COLLECTION)
    again, stats = await analysis(funded_url, COLLECTION)

    assert again.result == first.result
    assert stats.by_method.keys().isdisjoint({"trace_filter", "eth_getBalance"})


NOT_FOUND: dict[str, Any] = {"code": -32601, "message": "the method does not exist"}
