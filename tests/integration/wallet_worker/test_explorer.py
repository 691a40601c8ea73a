"""Native transactions from a block explorer, and what happens when it fails."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot, WalletSnapshotPayload
from common.chain.types import RpcStats
from common.results.wallet_snapshot import WalletTransactions
from tests.integration.wallet_worker.explorer_server import KEY, ExplorerServer
from wallet_worker import explorer
from wallet_worker.handler import snapshot_with
from wallet_worker.settings import ExplorerApi
from wallet_worker.sources import SourcesByChain

if TYPE_CHECKING:
    from tests.integration.stage import Stage

Explored = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]
Stored = Callable[..., dict[str, Any]]

WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
SOMEBODY = "0x" + "51" * 20
ETHER = 10**18


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explorer, "FIRST_WAIT_SECONDS", 0.3)


@pytest.fixture
async def server() -> AsyncIterator[ExplorerServer]:
    """Return a running explorer without records."""
    server = ExplorerServer(31337)
    app = web.Application()
    app.router.add_get("/v2/api", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v2/api"
    yield server
    await runner.cleanup()


@pytest.fixture
def explored(run_handler: Explored, server: ExplorerServer, stage: "Stage") -> Explored:
    """Return a function that takes a snapshot with the help of the explorer."""

    async def run(
        previous: dict[str, Any] | None = None,
        api: dict[str, Any] | None = None,
        **options: Any,
    ) -> tuple[Report[WalletSnapshot], RpcStats]:
        settings = ExplorerApi(
            url=SecretStr(server.url), key=SecretStr(KEY), calls_per_second=10_000
        )
        sources = SourcesByChain({}, {31337: settings.model_copy(update=api or {})})
        payload = WalletSnapshotPayload.model_validate({"wallet": WALLET, "options": options})
        handler = partial(snapshot_with, sources)
        return await run_handler(handler, payload, stage.url, previous=previous)

    return run


def listed(report: Report[WalletSnapshot]) -> WalletTransactions:
    assert report.result.transactions is not None
    return report.result.transactions


def warnings(report: Report[WalletSnapshot]) -> dict[str, str]:
    return {each.code: each.detail for each in report.result.warnings}


def record(stage: "Stage", digest: str, **fields: str) -> dict[str, str]:
    """Return what an explorer says of a transaction."""
    transaction = stage.call("eth_getTransactionByHash", digest)
    return {
        "blockNumber": str(int(transaction["blockNumber"], 16)),
        "hash": digest,
        "transactionIndex": str(int(transaction["transactionIndex"], 16)),
        "from": transaction["from"],
        "to": transaction["to"],
        "value": str(int(transaction["value"], 16)),
        "isError": "0",
        **fields,
    }


def pay(stage: "Stage", server: ExplorerServer, count: int) -> list[str]:
    """Pay the wallet so often, each in a block of its own, and let the explorer list it."""
    stage.call("anvil_setBalance", SOMEBODY, hex(100 * ETHER))
    hashes = [stage.pay(SOMEBODY, WALLET, number) for number in range(1, count + 1)]
    server.records["txlist"] += [record(stage, each) for each in hashes]
    return hashes


async def test_the_explorer_is_asked_before_the_nodes(
    stage: "Stage", server: ExplorerServer, explored: Explored
) -> None:
    hashes = pay(stage, server, 3)
    stage.finish()

    report, stats = await explored()

    assert listed(report).source == "explorer"
    assert listed(report).completeness.status == "complete"
    assert [each.hash for each in listed(report).items] == hashes[::-1]
    assert "ots_searchTransactionsBefore" not in stats.by_method
    assert stats.by_method["explorer_txlist"] == 1
    assert warnings(report) == {}


async def test_payments_withdrawals_and_gifts_of_the_first_block_are_listed(
    stage: "Stage", server: ExplorerServer, explored: Explored
) -> None:
    [digest] = pay(stage, server, 1)
    stage.finish()
    inside = {"traceId": "0_1", "type": "call", "from": SOMEBODY, "to": WALLET}
    server.records["txlist"].insert(
        0, record(stage, digest, hash=f"GENESIS_{WALLET[2:]}", blockNumber="0", value="7")
    )
    server.records["txlistinternal"] = [
        record(stage, digest, value="20", **inside),
        record(stage, digest, value="30", isError="1", **inside),
        record(stage, digest, value="40", **{**inside, "type": "delegatecall"}),
    ]
    server.records["txsBeaconWithdrawal"] = [
        {
            "withdrawalIndex": "13",
            "validatorIndex": "117823",
            "address": WALLET,
            "amount": "3402931175",
            "blockNumber": "2",
            "timestamp": "1681338599",
        }
    ]

    report, _ = await explored()

    assert {each.kind: each.value_raw for each in listed(report).payments} == {
        "internal": "20",
        "withdrawal": "3402931175000000000",
        "genesis": "7",
    }
    assert listed(report).payments_total == 3


@pytest.mark.parametrize("page_size", [1, 2, 3, 7, 100])
async def test_pages_of_any_size_list_every_transaction_once(
    stage: "Stage", server: ExplorerServer, explored: Explored, page_size: int
) -> None:
    stage.call("anvil_setBalance", SOMEBODY, hex(100 * ETHER))
    stage.call("anvil_impersonateAccount", SOMEBODY)
    for count in (1, 3, 1, 2):  # in one block each
        payment = {"from": SOMEBODY, "to": WALLET, "value": "0x1", "gas": "0x5208"}
        hashes = [stage.call("eth_sendTransaction", payment) for _ in range(count)]
        stage.call("evm_mine")
        server.records["txlist"] += [record(stage, each) for each in hashes]
    stage.finish()

    report, _ = await explored(api={"page_size": page_size})

    assert listed(report).completeness.status == "complete"
    assert {each.hash for each in listed(report).items} == {
        each["hash"] for each in server.records["txlist"]
    }
    assert max(int(each.get("offset", 0)) for each in server.queries) == page_size


async def test_a_search_that_has_spent_its_pages_lists_the_newest_and_says_from_where(
    stage: "Stage", server: ExplorerServer, explored: Explored
) -> None:
    hashes = pay(stage, server, 9)
    stage.finish()

    report, _ = await explored(api={"page_size": 3}, nativeSearchCalls=2)

    found = [each.hash for each in listed(report).items]
    assert found == hashes[: -len(found) - 1 : -1]
    assert 0 < len(found) < 9
    assert [each.code for each in listed(report).completeness.reasons] == ["older_not_searched"]


async def test_a_second_run_asks_for_new_blocks_only(
    stage: "Stage", server: ExplorerServer, explored: Explored, stored: Stored
) -> None:
    pay(stage, server, 3)
    stage.finish()
    first, _ = await explored()
    server.queries.clear()
    pay(stage, server, 1)
    stage.finish()

    second, _ = await explored(previous=stored(first, stage.url))

    assert listed(second).total == 4
    starts = {int(each["startblock"]) for each in server.queries if "startblock" in each}
    assert starts == {first.result.window.to_block + 1}
    assert second.result.changes_since_previous is not None
    assert second.result.changes_since_previous.assets[0].unexplained_raw == "0"


@pytest.mark.parametrize(
    "words",
    [
        "Max calls per sec rate limit reached (3/sec)",
        "Max rate limit reached, please use API Key for higher rate limit",
        "Query Timeout occured. Please select a smaller result dataset",
    ],
)
async def test_a_refusal_that_passes_is_waited_for(
    stage: "Stage", server: ExplorerServer, explored: Explored, words: str
) -> None:
    pay(stage, server, 1)
    stage.finish()
    server.broken = [words]

    report, stats = await explored()

    assert listed(report).source == "explorer"
    assert stats.retries == 1


@pytest.mark.parametrize(
    "words",
    [
        "Invalid API Key",
        "Too many invalid api key attempts, please try again later",
        "Missing or unsupported chainid parameter (required for v2 api)",
        "Free API access is not supported for this chain. Please upgrade your api plan",
    ],
)
async def test_without_the_explorer_the_nodes_are_searched_and_the_reason_is_shown(
    stage: "Stage", server: ExplorerServer, explored: Explored, words: str
) -> None:
    hashes = pay(stage, server, 2)
    stage.finish()
    server.broken = [words] * 20

    report, _ = await explored()

    assert listed(report).source == "ots_search"
    assert [each.hash for each in listed(report).items] == hashes[::-1]
    assert words in warnings(report)["explorer_not_used"]


@pytest.mark.parametrize(("head", "said"), [(5, "blocks up to 5"), (None, "invalid Action name")])
async def test_an_explorer_that_lags_or_does_not_say_how_far_it_is_is_not_believed(
    stage: "Stage", server: ExplorerServer, explored: Explored, head: int | None, said: str
) -> None:
    pay(stage, server, 2)
    stage.finish()
    server.head = head

    report, _ = await explored()

    assert listed(report).source == "ots_search"
    assert said in warnings(report)["explorer_not_used"]


async def test_calls_keep_to_the_rate(
    stage: "Stage", server: ExplorerServer, explored: Explored
) -> None:
    pay(stage, server, 1)
    stage.finish()
    server.calls_per_second = 2

    report, stats = await explored(api={"calls_per_second": 1.9})

    assert listed(report).source == "explorer"
    assert stats.retries == 0


async def test_the_key_is_shown_nowhere(
    stage: "Stage",
    server: ExplorerServer,
    explored: Explored,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage.finish()
    server.broken = [f"Invalid API Key (#err2)|{KEY} at {server.url}?apikey={KEY}"] * 20

    with caplog.at_level(logging.DEBUG, logger="wallet_worker"):
        report, _ = await explored()

    assert "explorer_not_used" in warnings(report)
    assert KEY not in report.result.model_dump_json() + caplog.text
    assert "/v2/api" not in report.result.model_dump_json()
    assert KEY not in repr(ExplorerApi(url=SecretStr(server.url), key=SecretStr(KEY)))
