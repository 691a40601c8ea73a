"""Address poisoning as it is done on mainnet, on a real node: marked with reasons, never hidden."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot
from common.chain.transfers import TRANSFER
from common.chain.types import RpcStats
from tests.integration.evm_code import Event, always, dispatch, emitter, text

if TYPE_CHECKING:
    from tests.integration.stage import Stage

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]

WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
FRIEND = "0x" + "51" * 20
USDC = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
FAKE = "0x" + "fa" * 20
PAID = 16_000_000_000


def transfers_of_others(count: int, amount: int) -> list[Event]:
    return [
        ((TRANSFER, f"0x{0xA77AC000 + number:040x}", f"0x{0xBEEF000 + number:040x}"), (amount,))
        for number in range(count)
    ]


def place(stage: "Stage", contract: str, symbol: bytes, events: list[Event]) -> None:
    answers = {"95d89b41": text(symbol), "06fdde03": text(symbol), "313ce567": always(6)}
    code = emitter(dispatch(answers, otherwise=always(7)), events)
    stage.call("anvil_setCode", contract, code)


async def test_copies_and_dust_after_a_payment_are_marked_listed_and_alerted(
    stage: "Stage", snapshot: Snapshot
) -> None:
    stage.call("anvil_impersonateAccount", WALLET)
    stage.call("anvil_setBalance", WALLET, hex(10**18))
    place(stage, USDC, b"USDC", [((TRANSFER, WALLET, FRIEND), (PAID,))])
    stage.emit(USDC, **{"from": WALLET})

    copier, duster = "0x" + "c0" * 20, "0x" + "d5" * 20
    copied: Event = ((TRANSFER, WALLET, copier), (PAID,))
    place(stage, FAKE, "U\u0405D\u0421".encode(), [*transfers_of_others(4, PAID), copied])
    stage.emit(FAKE)
    dust: Event = ((TRANSFER, duster, WALLET), (16_000,))
    place(stage, USDC, b"USDC", [*transfers_of_others(9, 20_000), dust])
    stage.emit(USDC)
    stage.finish()

    for _ in range(2):  # read, then kept
        with stage.mainnet():
            report, _ = await snapshot(stage.url, WALLET, chain_id=1)
        found = report.result

        marks = {
            (each.recipient if each.direction == "out" else each.sender): [
                reason.code for reason in each.poisoning_reasons
            ]
            for each in found.token_transfers or []
        }
        assert marks == {
            FRIEND: [],
            copier: ["counterfeit_transfer"],
            duster: ["dust_imitation"],
        }
        assert found.totals.poisoning_suspects == 2
        assert [each.address for each in found.counterparties or []] == [FRIEND]
        [fake] = [each for each in found.tokens or [] if each.contract_address == FAKE]
        assert {reason.code for reason in fake.spam.reasons} == {
            "counterfeit_symbol",
            "only_poisoning",
        }
        alerts = [each for each in report.alerts if each.type == "ADDRESS_POISONING"]
        assert {(each.severity, each.title) for each in alerts} == {
            (
                "medium",
                f"1 transfer of counterfeits with {copier}, not sent by the wallet",
            ),
            (
                "medium",
                f"1 transfer of dust with {duster}, in the digits of an amount that moved before",
            ),
        }
