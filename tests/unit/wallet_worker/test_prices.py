from collections.abc import Callable

from common.actions.wallet_snapshot import WalletSnapshotOptions, WalletThresholds
from common.chain.types import Address
from common.prices.price import Price, PriceFeed
from wallet_worker.analysis.snapshot import compose_snapshot
from wallet_worker.models import Movement, WalletReading

FEED = PriceFeed(None, Address("0x" + "fe" * 20), "ETH / USD", 3_600)


def test_prices_have_age_and_source_and_sum_up_over_what_is_priced(
    token: Address, a_movement: Callable[..., Movement], a_reading: Callable[..., WalletReading]
) -> None:
    other = Address("0x" + "cc" * 20)
    coin_feed = PriceFeed(token, Address("0x" + "fd" * 20), "FLOW / USD", 86_400)
    prices = {
        None: Price(FEED, 2_000 * 10**8, 8, 1_990_000, 10_000),
        token: Price(coin_feed, 5 * 10**7, 8, 1_999_000, 1_000),
    }
    reading = a_reading(
        [a_movement(amount=3 * 10**18), a_movement(contract=other, log_index=1)], prices=prices
    )

    found = compose_snapshot(reading, WalletSnapshotOptions(), WalletThresholds()).result

    assert found.native.price is not None
    assert (found.native.usd_value, found.native.price.stale) == ("2000", True)
    by_token = {each.contract_address: each for each in found.tokens or []}
    priced = by_token[token].price
    assert priced is not None
    assert (priced.usd, priced.age_seconds, priced.stale) == ("0.5", 1_000, False)
    assert priced.source == "Chainlink FLOW / USD"
    assert (by_token[token].usd_value, by_token[other].usd_value) == ("1.5", None)
    assert found.totals.usd_value == "2001.5"
    assert round(found.totals.priced_pct or 0, 2) == 66.67
