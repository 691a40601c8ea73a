"""Where the money of a suspicious sale came from: common funders and flash loans."""

from typing import TYPE_CHECKING, Any

import pytest
from eth_utils.crypto import keccak

from common.chain.errors import InvalidAnswer
from common.chain.types import Address, Log
from nft_worker.analysis import lenders
from nft_worker.analysis.funding_traces import first_payer_of_block, first_payer_of_traces
from nft_worker.analysis.lenders import find_lender
from nft_worker.analysis.rules import common_funders, flash_loans
from nft_worker.analysis.rules.common_funders import wallets_to_look_up
from nft_worker.models import Funding

if TYPE_CHECKING:
    from tests.unit.nft_worker.conftest import Story

DAY = 24
WALLET, PAYER, OTHER = (Address("0x" + digits * 20) for digits in ("aa", "bb", "cc"))


def filters(story: "Story") -> list[list[str]]:
    """Return the rules that accuse each sale, oldest first."""
    return [list(sale.wash.filters) for sale in reversed(story.analyze().sales)]


def buy_three_times(story: "Story") -> None:
    for turn in range(3):
        story.sell(1, "a", "b", 100, hours=200 * DAY * turn)
        story.move(1, "b", "c", hours=(200 * turn + 60) * DAY)
        story.move(1, "c", "a", hours=(200 * turn + 120) * DAY)


def test_the_weights_are_the_documented_ones() -> None:
    assert (common_funders.WEIGHT, flash_loans.WEIGHT) == (0.5, 0.6)


@pytest.mark.parametrize(
    ("funder", "funded"), [("p", ("a", "b")), ("a", ("b",)), ("b", ("a",))], ids=str
)
def test_a_common_funder_makes_a_suspicion_a_wash_trade(
    story: "Story", funder: str, funded: tuple[str, ...]
) -> None:
    buy_three_times(story)
    alone = story.analyze()
    story.fund(funder, *funded)

    found = story.analyze()

    assert {sale.wash.score for sale in alone.sales} == {0.4}
    assert {sale.wash.score for sale in found.sales} == {0.7}
    [pattern] = [each for each in found.suspicious_patterns if each.type == "common_funder"]
    assert len(pattern.addresses) == len({funder, "a", "b"})
    assert "first coin" in pattern.explanation
    [alert] = [each for each in found.alerts or [] if each.type == "COMMON_FUNDER"]
    assert alert.severity == "medium"


def test_a_common_funder_alone_accuses_nobody(story: "Story") -> None:
    story.fund("p", "a", "b")
    story.sell(1, "a", "b", 100, hours=1)

    assert filters(story) == [[]]


def test_strangers_and_coin_that_came_later_tie_nobody(story: "Story") -> None:
    buy_three_times(story)
    story.fund("p", "a")
    story.fund("q", "b")
    strangers = filters(story)
    story.fundings = {
        wallet: Funding(funding.funder, 1) for wallet, funding in story.fundings.items()
    }
    story.fund("p", "a", "b")
    story.fundings = {
        wallet: Funding(funding.funder, 99) for wallet, funding in story.fundings.items()
    }

    assert strangers == filters(story) == [["repeated_trades"]] * 3


def test_a_sale_on_borrowed_money_is_flagged(story: "Story") -> None:
    digest = story.sell(1, "a", "b", 100, hours=0)
    story.sell(2, "a", "b", 100, hours=1)
    story.borrow(digest, "Aave 3")

    found = story.analyze()

    assert filters(story) == [["flash_loan"], []]
    [pattern] = found.suspicious_patterns
    assert (pattern.type, pattern.score) == ("flash_loan", 0.6)
    assert pattern.transaction_hashes == [digest]
    assert "a flash loan of Aave 3" in pattern.explanation
    assert [each.type for each in found.alerts or []] == ["WASH_TRADE"]


def test_those_with_most_suspicious_sales_are_looked_up_and_no_contract(story: "Story") -> None:
    for hour, buyer in enumerate("bbcvv"):
        story.sell(hour, "a", buyer, 100, hours=hour)
    names = {sale.buyer[-2:]: sale.buyer for sale in story.sales()}
    seller = story.sales()[0].seller

    wallets, total = wallets_to_look_up(story.sales(), {names["76"]}, 2)

    assert (wallets, total) == ([seller, names["62"]], 3)


EVENTS = {
    lenders.AAVE_1_LOAN: "FlashLoan(address,address,uint256,uint256,uint256,uint256)",
    lenders.AAVE_2_LOAN: "FlashLoan(address,address,address,uint256,uint256,uint16)",
    lenders.AAVE_3_LOAN: "FlashLoan(address,address,address,uint256,uint8,uint256,uint16)",
    lenders.BALANCER_LOAN: "FlashLoan(address,address,uint256,uint256)",
    lenders.MAKER_VAT_LOAN: "VatDaiFlashLoan(address,uint256,uint256)",
    lenders.MORPHO_LOAN: "FlashLoan(address,address,uint256)",
    lenders.DYDX_CALL: "LogCall(address,uint256,address)",
    lenders.UNISWAP_3_FLASH: "Flash(address,address,uint256,uint256,uint256,uint256)",
}


@pytest.mark.parametrize(("topic", "event"), EVENTS.items(), ids=EVENTS.values())
def test_a_topic_is_the_hash_of_its_event(topic: str, event: str) -> None:
    assert topic == "0x" + keccak(text=event).hex()


def log(address: str, *topics: str) -> Log:
    return Log(Address(address), topics, "0x", 1, "0xb", "0xt", 0, 0)


def test_a_lender_is_believed_when_its_own_contract_logs() -> None:
    vault = "0xba12222222228d8ba445958a75a0704d566bf2c8"
    loan = log(vault, lenders.BALANCER_LOAN)

    assert find_lender([log(vault), log(PAYER, "0xother"), loan]) == "Balancer 2"
    assert find_lender([log(PAYER, lenders.BALANCER_LOAN)]) is None
    assert find_lender([log(vault, lenders.AAVE_3_LOAN)]) is None
    assert find_lender([log(PAYER, lenders.UNISWAP_3_FLASH, "0x1", "0x2")]) == "Uniswap 3"
    assert find_lender([]) is None


def call(
    value: int,
    *,
    to: str = WALLET,
    block: int = 5,
    at: int = 0,
    path: tuple[int, ...] = (),
    **more: Any,
) -> dict[str, Any]:
    return {
        "type": "call",
        "action": {"callType": "call", "from": PAYER, "to": to, "value": hex(value)},
        "blockNumber": block,
        "transactionPosition": at,
        "traceAddress": list(path),
        **more,
    }


def test_the_first_call_with_value_pays() -> None:
    parse = first_payer_of_traces(WALLET)

    assert parse([call(1, block=9), call(0, block=3), call(1, block=7)]) == Funding(PAYER, 7)
    assert parse([call(1, to=OTHER), call(0)]) is None
    assert parse([]) is None


def test_what_failed_or_was_undone_with_its_caller_pays_nothing() -> None:
    parse = first_payer_of_traces(WALLET)
    failed = call(0, to=OTHER, error="Reverted")

    assert parse([failed, call(1, path=(0,))]) is None
    assert parse([call(1, error="out of gas")]) is None
    assert parse([failed, call(1, path=(0,)), call(1, at=1)]) == Funding(PAYER, 5)


def test_a_contract_that_ends_pays_and_delegated_code_does_not() -> None:
    parse = first_payer_of_traces(WALLET)
    ended = {"address": PAYER, "refundAddress": WALLET, "balance": "0x1"}
    delegated = {"callType": "delegatecall", "from": PAYER, "to": WALLET, "value": "0x1"}
    reward = {"author": WALLET, "rewardType": "block", "value": "0x1"}
    place = {"blockNumber": 5, "transactionPosition": 0, "traceAddress": []}

    assert parse([{"type": "suicide", "action": ended, **place}]) == Funding(PAYER, 5)
    assert parse([{"type": "call", "action": delegated, **place}]) is None
    assert (
        parse([{"type": "reward", "action": reward, **place, "transactionPosition": None}]) is None
    )


def test_the_first_transaction_with_value_in_a_block_pays() -> None:
    parse = first_payer_of_block(WALLET, 16)
    transactions = [
        {"from": OTHER, "to": None, "value": "0x9"},
        {"from": OTHER, "to": WALLET, "value": "0x0"},
        {"from": PAYER, "to": WALLET, "value": "0x2"},
    ]

    assert parse({"number": "0x10", "transactions": transactions}) == Funding(PAYER, 16)
    assert parse({"number": "0x10", "transactions": transactions[:2]}) is None


@pytest.mark.parametrize(
    "answer", [None, {}, [1], [{"type": "call"}], {"number": "0x11", "transactions": []}]
)
def test_nonsense_is_an_invalid_answer(answer: Any) -> None:
    parse = (
        first_payer_of_block(WALLET, 16)
        if isinstance(answer, dict)
        else first_payer_of_traces(WALLET)
    )

    with pytest.raises(InvalidAnswer):
        parse(answer)
