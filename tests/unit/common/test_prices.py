import pytest

from common.chain.types import Address, CallResult
from common.prices.price import Price, PriceFeed, decode_round, read_price, usd_value
from common.prices.reading import packaged_feeds

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


def test_the_packaged_feeds_are_addresses_each_named_once() -> None:
    for feeds in packaged_feeds().values():
        tokens = [each.token for each in feeds]
        assert len(tokens) == len(set(tokens))
        for each in feeds:
            assert each.address == each.address.lower()
            assert len(each.address) == 42
            assert each.heartbeat_seconds > 0
            assert each.pair.endswith(" / USD")
