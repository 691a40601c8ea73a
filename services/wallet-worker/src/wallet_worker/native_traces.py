"""Native coin that moved inside transactions: what the nodes that trace say of some blocks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from common.chain.client import PinnedChain
from common.chain.errors import ChainError, InvalidAnswer
from common.chain.parsing import parse_address, parse_hash, parse_quantity
from common.chain.requests import Request
from common.chain.types import Address
from wallet_worker.models import Payment

Payments: TypeAlias = list[Payment]

TracePlace: TypeAlias = tuple[str | None, int, tuple[int, ...], str]
"""Transaction, block, position among its calls and kind: what tells one trace from all others."""

_GWEI = 10**9
_MOVES_VALUE = ("CALL", "CREATE", "CREATE2", "SELFDESTRUCT")


async def read_operations(
    pinned: PinnedChain, wallet: Address, transactions: Mapping[str, int]
) -> Payments:
    """Ask `ots_getInternalOperations` (Erigon, anvil) about transactions, given with their blocks.

    Returns:
        What moved from or to the wallet inside them.

    Raises:
        ChainError: Such as UnsupportedMethod.
    """
    requests = [
        Request("ots_getInternalOperations", (digest,), _operations(wallet, digest, number))
        for digest, number in transactions.items()
    ]
    return await _all(pinned, requests)


async def read_traced_blocks(
    pinned: PinnedChain, wallet: Address, numbers: Sequence[int]
) -> Payments:
    """Ask `trace_block` (Erigon, Nethermind, reth, anvil) about whole blocks.

    Returns:
        What moved from or to the wallet inside transactions, and rewards of blocks that it made.

    Raises:
        ChainError: Such as UnsupportedMethod.
    """
    requests = [Request("trace_block", (hex(number),), _traced(wallet)) for number in numbers]
    return await _all(pinned, requests)


async def read_debugged_blocks(
    pinned: PinnedChain, wallet: Address, numbers: Sequence[int]
) -> Payments:
    """Ask `debug_traceBlockByNumber` (geth and its relatives) about whole blocks.

    Returns:
        What moved from or to the wallet inside transactions.

    Raises:
        ChainError: Such as UnsupportedMethod.
    """
    tracer = {"tracer": "callTracer"}
    requests = [
        Request("debug_traceBlockByNumber", (hex(number), tracer), _called(wallet, number))
        for number in numbers
    ]
    return await _all(pinned, requests)


async def read_withdrawals(
    pinned: PinnedChain, wallet: Address, numbers: Sequence[int]
) -> tuple[Payments, list[int]]:
    """Read the headers of some blocks.

    Returns:
        What validators withdrew to the wallet; and those blocks that paid their fees to it.

    Raises:
        ChainError: The chain could not be read.
    """
    requests = [
        Request("eth_getBlockByNumber", (hex(number), False), _header(wallet, number))
        for number in numbers
    ]
    payments: Payments = []
    made: list[int] = []
    for answer in await pinned.call_batch(requests):
        if isinstance(answer, ChainError):
            raise answer
        payments += answer[0]
        made += answer[1]
    return payments, made


def traced_payments(wallet: Address, answer: Any) -> dict[TracePlace, Payment]:
    """Read traces as `trace_block` and `trace_filter` give them.

    A trace under one that failed was undone with it. The outermost call of a transaction is its
    value, which is no payment.

    Raises:
        InvalidAnswer: They are no traces.
    """
    if not isinstance(answer, list) or not all(isinstance(each, dict) for each in answer):
        raise InvalidAnswer("not a list of traces")
    failed = {_trace_place(each)[::2] for each in answer if each.get("error")}
    payments: dict[TracePlace, Payment] = {}
    for trace in answer:
        place = _trace_place(trace)
        digest, _, address, kind = place
        action: Mapping[str, Any] = trace.get("action") or {}
        if kind == "reward":
            action = {**action, "to": action.get("author")}
        elif not address or any((digest, address[:n]) in failed for n in range(len(address) + 1)):
            continue
        payment = _parity_payment(trace, action, digest)
        if payment is not None and wallet in (payment.sender, payment.recipient):
            payments[place] = payment
    return payments


def _trace_place(trace: Mapping[str, Any]) -> TracePlace:
    digest = trace.get("transactionHash")
    return (
        digest.lower() if isinstance(digest, str) else None,
        int(trace["blockNumber"]),
        tuple(trace.get("traceAddress") or ()),
        str(trace.get("type")),
    )


def _traced(wallet: Address) -> Callable[[Any], Payments]:
    return lambda answer: list(traced_payments(wallet, answer).values())


def _parity_payment(
    trace: Mapping[str, Any], action: Mapping[str, Any], digest: str | None
) -> Payment | None:
    if action.get("callType", "call") != "call":
        return None
    created = (trace.get("result") or {}).get("address")
    sender = action.get("from") or action.get("address")
    recipient = action.get("to") or action.get("refundAddress") or created
    value = parse_quantity(action.get("value") or action.get("balance") or "0x0")
    if not value or recipient is None:
        return None
    return Payment(
        "block_reward" if trace.get("type") == "reward" else "internal",
        int(trace["blockNumber"]),
        digest,
        None if sender is None else parse_address(sender),
        parse_address(recipient),
        value,
    )


def _operations(wallet: Address, digest: str, number: int) -> Callable[[Any], Payments]:
    def parse(answer: Any) -> Payments:
        if not isinstance(answer, list):
            raise InvalidAnswer("not a list of operations")
        every = (_payment(number, digest, each) for each in answer)
        return [each for each in every if wallet in (each.sender, each.recipient)]

    return parse


def _called(wallet: Address, number: int) -> Callable[[Any], Payments]:
    def parse(answer: Any) -> Payments:
        if not isinstance(answer, list):
            raise InvalidAnswer("not a list of traced transactions")
        found: Payments = []
        for each in answer:
            outermost = each.get("result") or {}
            if not outermost.get("error"):
                digest = parse_hash(each.get("txHash"))
                calls = _inner_calls(outermost)
                payments = (_payment(number, digest, call) for call in calls)
                found += [pay for pay in payments if wallet in (pay.sender, pay.recipient)]
        return found

    return parse


def _inner_calls(call: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Every call below one that moved value and was not undone, in their order."""
    for each in call.get("calls") or ():
        if not each.get("error"):
            if each.get("type") in _MOVES_VALUE and int(each.get("value") or "0x0", 16):
                yield each
            yield from _inner_calls(each)


def _payment(number: int, digest: str, fields: Mapping[str, Any]) -> Payment:
    return Payment(
        "internal",
        number,
        digest,
        parse_address(fields.get("from")),
        parse_address(fields.get("to")),
        parse_quantity(fields.get("value") or "0x0"),
    )


def _header(wallet: Address, number: int) -> Callable[[Any], tuple[Payments, list[int]]]:
    def parse(answer: Any) -> tuple[Payments, list[int]]:
        if not isinstance(answer, dict) or parse_quantity(answer.get("number")) != number:
            raise InvalidAnswer(f"not block {number}")
        payments = [
            Payment(
                "withdrawal", number, None, None, wallet, parse_quantity(each["amount"]) * _GWEI
            )
            for each in answer.get("withdrawals") or ()
            if parse_address(each.get("address")) == wallet
        ]
        return payments, [number] if str(answer.get("miner")).lower() == wallet else []

    return parse


async def _all(pinned: PinnedChain, requests: Sequence[Request[Payments]]) -> Payments:
    found: Payments = []
    for answer in await pinned.call_batch(requests):
        if isinstance(answer, ChainError):
            raise answer
        found += answer
    return found
