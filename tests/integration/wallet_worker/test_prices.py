"""USD values through an aggregator contract on a real node, at the pinned block."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot, WalletSnapshotPayload
from common.chain.transfers import TRANSFER
from common.chain.types import Address, RpcStats
from common.prices.price import PriceFeed
from tests.integration.evm_code import aggregator, always
from wallet_worker.handler import snapshot_with
from wallet_worker.sources import SourcesByChain

if TYPE_CHECKING:
    from tests.integration.stage import Stage

RunHandler = Callable[..., Awaitable[tuple[Report[Any], RpcStats]]]

WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
SOMEBODY = "0x" + "51" * 20


async def snapshot(
    run_handler: RunHandler, stage: "Stage", feeds: list[PriceFeed], **options: Any
) -> WalletSnapshot:
    payload = WalletSnapshotPayload.model_validate({"wallet": WALLET, "options": options})
    report, _ = await run_handler(
        partial(snapshot_with, SourcesByChain({31337: feeds})), payload, stage.url
    )
    result: WalletSnapshot = report.result
    return result


async def test_values_follow_the_feed_as_it_was_at_the_block(
    stage: "Stage", run_handler: RunHandler
) -> None:
    token = Address(stage.place_contract(always(2)))
    feed, silent = "0x" + "f1" * 20, Address("0x" + "f2" * 20)
    now = int(stage.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    stage.call("anvil_setCode", feed, aggregator(3 * 10**8, now))
    stage.call("anvil_setBalance", WALLET, hex(2 * 10**18))
    stage.log(token, (TRANSFER, SOMEBODY, WALLET), 2)
    past = int(stage.call("eth_blockNumber"), 16)
    stage.call("evm_mine")
    stage.call("anvil_setCode", feed, aggregator(4 * 10**8, now))
    stage.finish()
    feeds = [
        PriceFeed(None, Address(feed), "ETH / USD", 10**9),
        PriceFeed(token, silent, "NONE / USD", 60),
    ]

    current = await snapshot(run_handler, stage, feeds)
    then = await snapshot(run_handler, stage, feeds, atBlock=past)

    assert (current.native.usd_value, then.native.usd_value) == ("8", "6")
    assert current.native.price is not None
    assert current.native.price.feed_address == feed
    [holding] = current.tokens or []
    assert (holding.price, holding.usd_value, holding.portfolio_pct) == (None, None, None)
    assert current.totals.usd_value == "8"


async def test_a_chain_without_feeds_has_no_values(stage: "Stage", run_handler: RunHandler) -> None:
    stage.finish()

    found = await snapshot(run_handler, stage, [])

    assert (found.native.price, found.native.usd_value, found.totals.usd_value) == (
        None,
        None,
        None,
    )


async def test_parts_of_the_portfolio_are_percentages_of_everything_that_has_a_value(
    stage: "Stage", run_handler: RunHandler
) -> None:
    token = Address(stage.place_contract(always(2)))  # 2 decimals, too: a balance of 0.02
    coin_feed, token_feed = Address("0x" + "f1" * 20), Address("0x" + "f2" * 20)
    now = int(stage.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    stage.call("anvil_setCode", coin_feed, aggregator(3 * 10**8, now))
    stage.call("anvil_setCode", token_feed, aggregator(100 * 10**8, now))
    stage.call("anvil_setBalance", WALLET, hex(2 * 10**18))
    stage.log(token, (TRANSFER, SOMEBODY, WALLET), 2)
    stage.finish()
    feeds = [
        PriceFeed(None, coin_feed, "ETH / USD", 10**9),
        PriceFeed(token, token_feed, "TOK / USD", 10**9),
    ]

    found = await snapshot(run_handler, stage, feeds)

    [holding] = found.tokens or []
    assert (holding.usd_value, found.totals.usd_value) == ("2", "8")
    assert holding.portfolio_pct == 25.0
    assert found.cursor is not None
    assert found.cursor.last_block == found.window.to_block
