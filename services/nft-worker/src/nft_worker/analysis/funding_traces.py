"""Who first paid a wallet, read from traces or from the transactions of a block."""

from collections.abc import Callable, Mapping
from typing import Any

from common.chain.errors import InvalidAnswer
from common.chain.parsing import parse_address, parse_quantity
from common.chain.types import Address
from nft_worker.models import Funding

Payer = Callable[[Any], Funding | None]


def first_payer_of_traces(wallet: Address) -> Payer:
    """Return a parser of `trace_filter` and `trace_block`: the first call with value to a wallet.

    A call under one that failed was undone with it.
    """

    def parse(answer: Any) -> Funding | None:
        if not isinstance(answer, list) or not all(isinstance(each, dict) for each in answer):
            raise InvalidAnswer("not a list of traces")
        failed = {_place(each) for each in answer if each.get("error")}
        for trace in sorted(answer, key=_place):
            block, transaction, address = _place(trace)
            undone = any((block, transaction, address[:n]) in failed for n in range(len(address)))
            payer = None if undone or trace.get("error") else _payer(trace, wallet)
            if payer is not None:
                return Funding(payer, block)
        return None

    return parse


def first_payer_of_block(wallet: Address, number: int) -> Payer:
    """Return a parser of a block with its transactions: the first that sent coin to a wallet."""

    def parse(answer: Any) -> Funding | None:
        if not isinstance(answer, dict) or not isinstance(answer.get("transactions"), list):
            raise InvalidAnswer("not a block with its transactions")
        if parse_quantity(answer.get("number")) != number:
            raise InvalidAnswer(f"asked for block {number}, got another one")
        for each in answer["transactions"]:
            recipient = each.get("to")
            if recipient is None or parse_address(recipient) != wallet:
                continue
            if parse_quantity(each.get("value")):
                return Funding(parse_address(each.get("from")), number)
        return None

    return parse


def _place(trace: Mapping[str, Any]) -> tuple[int, int, tuple[int, ...]]:
    """Return block, position in it (rewards last) and path; raises where a trace has none."""
    try:
        position = trace.get("transactionPosition")
        return (
            int(trace["blockNumber"]),
            2**32 if position is None else int(position),
            tuple(map(int, trace.get("traceAddress") or ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidAnswer("a trace without its place") from error


def _payer(trace: Mapping[str, Any], wallet: Address) -> Address | None:
    action = trace.get("action") or {}
    kind = trace.get("type")
    if kind == "suicide":
        payer, recipient, value = (
            action.get(name) for name in ("address", "refundAddress", "balance")
        )
    elif kind == "call" and action.get("callType", "call") == "call":
        payer, recipient, value = (action.get(name) for name in ("from", "to", "value"))
    else:
        return None
    if recipient is None or parse_address(recipient) != wallet or not parse_quantity(value):
        return None
    return parse_address(payer)
