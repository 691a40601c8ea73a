from datetime import UTC, datetime

import pytest

from local_chain.execution import Executed, first_traffic_hour, slot_time
from local_chain.ledger import Ledger
from local_chain.plan import Plan
from local_chain.scenario import make_plan


@pytest.fixture(scope="session")
def end_time() -> datetime:
    return datetime(2026, 3, 1, 12, 34, 56, tzinfo=UTC)


@pytest.fixture(scope="session")
def plan() -> Plan:
    return make_plan()


@pytest.fixture(scope="session")
def ledger(plan: Plan) -> Ledger:
    return Ledger.after(plan)


@pytest.fixture(scope="session")
def executed(plan: Plan, end_time: datetime) -> list[Executed]:
    """The plan as if a node had carried it out: one block per slot, numbered hashes."""
    first_hour = first_traffic_hour(end_time)
    mined: list[Executed] = []
    for block_number, (slot, transactions) in enumerate(plan.slots(), start=2):
        for each in transactions:
            tx_hash = f"0x{len(mined):064x}"
            mined.append(Executed(each, tx_hash, block_number, slot_time(first_hour, slot)))
    return mined
