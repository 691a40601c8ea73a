"""Factories of what the chain says: each test names only what it is about."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from common.chain.transfers import WrapEvent
from common.chain.types import Address, Block, TokenMetadata, Transaction
from wallet_worker.models import Account, ContractAnswers, History, Movement, WalletReading

WALLET = Address("0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6")
FRIEND = Address("0x1111aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2222")
TOKEN = Address("0x7fa7677c6708f0cd07724d61bfdc6be6bb15d2e7")


def _digest(*parts: object) -> str:
    return "0x" + hashlib.sha256(repr(parts).encode()).hexdigest()


@pytest.fixture(scope="session")
def wallet() -> Address:
    return WALLET


@pytest.fixture(scope="session")
def friend() -> Address:
    return FRIEND


@pytest.fixture(scope="session")
def token() -> Address:
    return TOKEN


@pytest.fixture(scope="session")
def a_movement() -> Callable[..., Movement]:
    def build(**given: Any) -> Movement:
        block_number = given.get("block_number", 10)
        fields = {
            "contract": TOKEN,
            "standard": "erc20",
            "sender": FRIEND,
            "recipient": WALLET,
            "amount": 100,
            "token_id": None,
            "block_number": block_number,
            "transaction_index": 0,
            "transaction_hash": _digest(block_number, given.get("transaction_index", 0)),
            "log_index": 0,
            "batch_index": 0,
        }
        return Movement(**{**fields, **given})

    return build


@pytest.fixture(scope="session")
def a_wrap() -> Callable[..., WrapEvent]:
    def build(**given: Any) -> WrapEvent:
        block_number = given.get("block_number", 10)
        fields = {
            "contract": TOKEN,
            "kind": "deposit",
            "account": WALLET,
            "amount": 100,
            "block_number": block_number,
            "transaction_hash": _digest(block_number, given.get("transaction_index", 0)),
            "transaction_index": 0,
            "log_index": 5,
        }
        return WrapEvent(**{**fields, **given})

    return build


@pytest.fixture(scope="session")
def a_transaction() -> Callable[..., Transaction]:
    def build(event: Movement | WrapEvent, **given: Any) -> Transaction:
        fields = {
            "hash": event.transaction_hash,
            "block_number": event.block_number,
            "transaction_index": event.transaction_index,
            "sender": WALLET,
            "recipient": event.contract,
            "value_wei": 0,
            "nonce": 0,
            "input": "0xa9059cbb" + "0" * 128,
        }
        return Transaction(**{**fields, **given})

    return build


@pytest.fixture(scope="session")
def metadata_of() -> Callable[..., TokenMetadata]:
    def build(address: Address, **given: Any) -> TokenMetadata:
        fields = {"name": "Flow", "symbol": "FLOW", "decimals": 18, "status": "ok"}
        return TokenMetadata(address=address, **{**fields, **given})

    return build


@pytest.fixture(scope="session")
def a_reading(metadata_of: Callable[..., TokenMetadata]) -> Callable[..., WalletReading]:
    """Build a reading whose contracts answer what the movements of the history add up to."""

    def build(
        movements: Sequence[Movement] = (),
        wraps: Sequence[WrapEvent] = (),
        transactions: Sequence[Transaction] = (),
        **given: Any,
    ) -> WalletReading:
        history = History(
            movements=tuple(sorted(movements, key=lambda each: each.position)),
            wraps=tuple(wraps),
            undecodable=0,
        )
        fields: dict[str, Any] = {
            "chain_id": 31337,
            "block": Block(number=10_000, hash="0x" + "ab" * 32, timestamp=2_000_000, tag="number"),
            "account": Account(address=WALLET, balance_wei=10**18, nonce=3, code="0x"),
            "history": history,
            "obstacle": None,
            "answers": _honest_answers(history, metadata_of),
            "transactions": {each.hash: each for each in transactions},
            "prices": {},
            "native": None,
            "receipts": {},
            "batches": {},
            "officials": {},
            "timestamps": {each.block_number: each.block_number * 12 for each in history.events},
        }
        return WalletReading(**{**fields, **given})

    return build


def _honest_answers(history: History, metadata_of: Callable[..., TokenMetadata]) -> ContractAnswers:
    balances: dict[Address, int | None] = {}
    editions: dict[tuple[Address, int], int | None] = {}
    owners: dict[tuple[Address, int], Address | None] = {}
    for wrap in history.wraps:
        sign = 1 if wrap.kind == "deposit" else -1
        balances[wrap.contract] = (balances.get(wrap.contract) or 0) + sign * wrap.amount
    for each in history.movements:
        net = each.amount * ((each.recipient == WALLET) - (each.sender == WALLET))
        if each.token_id is None:
            balances[each.contract] = (balances.get(each.contract) or 0) + net
        elif each.standard == "erc721":
            owners[each.contract, each.token_id] = each.recipient
        else:
            key = (each.contract, each.token_id)
            editions[key] = (editions.get(key) or 0) + net
    return ContractAnswers(
        metadata={each.contract: metadata_of(each.contract) for each in history.events},
        balances=balances,
        carried={},
        carried_ids={},
        owners=owners,
        editions=editions,
        implementations={},
        probes={},
        uris={},
    )
