"""Filters of the planted chain, and what nodes do to answers of eth_getLogs."""

from collections.abc import Callable
from typing import Any

from common.chain.transfers import TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE
from common.chain.types import Address, Log, LogFilter
from local_chain import addresses

Call = dict[str, Any]
Refusal = Callable[[Call], Call | None]

FLOW, COLLECTION = Address(addresses.FLOW), Address(addresses.COLLECTION)
EVERYTHING = LogFilter()
TOKENS = LogFilter(
    (FLOW, COLLECTION, Address(addresses.EDITIONS), Address(addresses.WETH)),
    ((TRANSFER, TRANSFER_SINGLE, TRANSFER_BATCH),),
)


def block_range(call: Call) -> tuple[int, int]:
    wanted = call["params"][0]
    return int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)


def refuse_wide_ranges(most: int, code: int, message: str) -> Refusal:
    def refuse(call: Call) -> Call | None:
        if call["method"] != "eth_getLogs":
            return None
        first, last = block_range(call)
        if last - first + 1 <= most:
            return None
        text = message.format(most=most, first=first, last=last, end=first + most - 1)
        return {"error": {"code": code, "message": text}}

    return refuse


def refuse_many_logs(truth: list[Log], most: int, message: str, code: int = -32005) -> Refusal:
    """Counts as the node would, by range, address and topic."""

    def refuse(call: Call) -> Call | None:
        if call["method"] != "eth_getLogs":
            return None
        wanted, (first, last) = call["params"][0], block_range(call)
        topics = (wanted.get("topics") or [None])[0]
        found = [
            log.block_number
            for log in truth
            if first <= log.block_number <= last
            and log.address in wanted.get("address", [log.address])
            and (topics is None or log.topics[0] in topics)
        ]
        if len(found) <= most:
            return None
        end = found[most] - 1 if found[most] > first else first
        text = message.format(most=most, first=first, last=last, end=end)
        return {"error": {"code": code, "message": text}}

    return refuse


def every(n: int, change: Callable[[Any], Any]) -> Callable[[Call, Any], Any]:
    """Changes every n-th page of logs that is not empty."""
    pages = 0

    def alter(call: Call, result: Any) -> Any:
        nonlocal pages
        if call["method"] != "eth_getLogs" or not result:
            return result
        pages += 1
        return change(result) if pages % n == 0 else result

    return alter


def cut_short(page: Any) -> Any:
    """A page without its last quarter."""
    return page[: len(page) * 3 // 4]
