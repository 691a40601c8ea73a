from collections.abc import Callable

import pytest

from common.actions.wallet_snapshot import WalletSnapshotOptions, WalletThresholds
from common.chain.types import Address, CallResult
from wallet_worker.analysis.prices import Price, PriceFeed, decode_round, read_price, usd_value
from wallet_worker.analysis.snapshot import compose_snapshot
from wallet_worker.models import Movement, WalletReading
from wallet_worker.price_feeds import packaged_feeds

FEED = PriceFeed(None, Address("0x" + "fe" * 20), "ETH / USD", 3_600)


def answer(price: int, updated_at: int) -> CallResult:
    words = (7, price % 2**256, updated_at, updated_at, 7)
    return CallResult(True, "0x" + "".join(f"{word:064x}" for word in words))


def test_a_round_is_read_with_its_sign() -> None:
    assert decode_round(answer(2_000 * 10**8, 50)) == (2_000 * 10**8, 50)
    assert decode_round(answer(-5, 50)) == (-5, 50)
    assert decode_round(CallResult(True, "0x")) is None
    assert decode_round(CallResult(False, "0x")) is None


@pytest.mark.parametrize(
    ("latest", "decimals"),
    [
        (None, 8),
        ((0, 50), 8),
        ((-1, 50), 8),
        ((1, 0), 8),
        ((1, 101), 8),
        ((1, 50), None),
        ((1, 50), 79),
    ],
)
def test_what_is_no_price_is_none_and_never_zero(
    latest: tuple[int, int] | None, decimals: int | None
) -> None:
    assert read_price(FEED, latest, decimals, 100) is None


def test_a_value_is_exact() -> None:
    price = Price(FEED, 200_012_345_678, 8, 50, 50)

    assert usd_value(10**18, 18, price) == "2000.12345678"
    assert usd_value(1, 18, price) == "0.00000000000000200012345678"


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


def test_the_packaged_feeds_are_addresses_each_named_once() -> None:
    for feeds in packaged_feeds().values():
        tokens = [each.token for each in feeds]
        assert len(tokens) == len(set(tokens))
        for each in feeds:
            assert each.address == each.address.lower()
            assert len(each.address) == 42
            assert each.heartbeat_seconds > 0
            assert each.pair.endswith(" / USD")
