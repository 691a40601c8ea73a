"""Events with numbers, on a chain of the test's own, and filters of what stores keep."""

from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from common.chain.transfers import TRANSFER
from common.chain.types import Address, LogFilter
from local_chain import addresses

Database = AsyncDatabase[dict[str, Any]]

FLOW = Address(addresses.FLOW)
TRANSFERS = LogFilter((FLOW,), (TRANSFER,))
EMITTER = "0x" + "e0" * 20
EMITTED = LogFilter((Address(EMITTER),))
FINAL = 70  # blocks; after so many more any node calls a block final


def numbers(logs: Any) -> list[int]:
    return [int(log.data, 16) for log in logs]
