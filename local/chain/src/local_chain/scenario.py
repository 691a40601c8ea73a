"""Builds the known history on a fresh development node, and finds it again on a seeded one."""

import zlib
from datetime import UTC, datetime, timedelta
from random import Random

from local_chain.addresses import (
    CHAIN_ID,
    COLLECTION,
    CONTRACTS,
    EDITIONS,
    FACTS,
    FLOW,
    SMALL_HOLDERS,
    WALLET,
)
from local_chain.anvil import ANVIL_ARGUMENTS
from local_chain.coin_facts import describe_coin
from local_chain.deployment import deploy
from local_chain.edition_story import tell_edition_story
from local_chain.errors import RpcError, ScenarioError, UnsuitableNodeError
from local_chain.execution import (
    BlockMaker,
    Executed,
    check_receipts,
    execute,
    first_traffic_hour,
    slot_time,
    utc_now,
)
from local_chain.facts import SCHEMA_VERSION, Scenario
from local_chain.flow_story import tell_flow_story
from local_chain.ledger import Ledger
from local_chain.nft_facts import describe_collection
from local_chain.nft_story import tell_nft_story
from local_chain.node import Node
from local_chain.plan import SETUP_HOURS, Plan, slot_at
from local_chain.wallet_facts import describe_wallet
from local_chain.wallet_story import tell_wallet_story

__all__ = ["Scenario", "build", "describe", "find_scenario", "make_plan"]

OFFER_WEI = 10**9  # more than any transaction's gas at its offer, see `BlockMaker`
EMPTY_BLOCKS = 3  # more than the two that make the last traffic final


def make_plan() -> Plan:
    """Return the whole traffic. It is the same on every call."""
    plan = Plan()
    tell_flow_story(plan, Random("flow"))  # noqa: S311 (a reproducible story, not a secret)
    tell_wallet_story(plan)
    tell_nft_story(plan, Random("nft"))  # noqa: S311
    tell_edition_story(plan)
    _fund_offers(plan)
    return plan


def _fund_offers(plan: Plan) -> None:
    """Let senders without native currency offer a price for gas, which nobody has to pay.

    Of the small holders, some send nothing before the live traffic.
    """
    senders = {each.sender for each in plan.transactions()} | {*SMALL_HOLDERS}
    for sender in sorted(senders - plan.initial_native_wei.keys()):
        plan.fund(sender, OFFER_WEI)


def build(rpc_url: str, end_time: datetime | None = None) -> Scenario:
    """Seed a fresh anvil (see `ANVIL_ARGUMENTS`) and return what was planted; blocks until done.

    A node that is seeded already is left as it is, and its facts are returned.

    Args:
        rpc_url: HTTP URL of the node.
        end_time: The chain's last block lies one second before it. Traffic ends at the full hour
            before it and covers 72 hours. Default: now.

    Raises:
        NodeUnreachableError: Nothing answers at the URL.
        UnsuitableNodeError: The node is no anvil, has another chain id, holds half a scenario, or
            was started without `ANVIL_ARGUMENTS`.
        ScenarioError: The chain did not do what was planned.
        ValueError: `end_time` has no time zone.
    """
    end_time = utc_now() if end_time is None else end_time
    if end_time.tzinfo is None:
        raise ValueError(f"end_time {end_time.isoformat()} has no time zone: expected an aware one")
    end_time = end_time.astimezone(UTC).replace(microsecond=0)
    with Node(rpc_url) as node:
        _check_chain(node)
        found = _find_facts(node)
        if found is not None:
            return found
        return _seed(node, end_time)


def find_scenario(rpc_url: str) -> Scenario | None:
    """Return the facts of a seeded chain, or None of one that is not seeded.

    Raises:
        NodeUnreachableError: Nothing answers at the URL.
        UnsuitableNodeError: The node has another chain id.
    """
    with Node(rpc_url) as node:
        _check_chain(node)
        return _find_facts(node)


def _check_chain(node: Node) -> None:
    chain_id = int(node.call("eth_chainId"), 16)
    if chain_id != CHAIN_ID:
        raise UnsuitableNodeError(
            f"chain id {chain_id}: expected the development chain {CHAIN_ID}; "
            "this never writes to another chain"
        )


def _seed(node: Node, end_time: datetime) -> Scenario:
    first_hour = first_traffic_hour(end_time)
    placement_time = slot_time(first_hour, slot_at(-SETUP_HOURS)) - timedelta(seconds=60)
    _check_fresh(node, placement_time)
    plan = make_plan()
    ledger = Ledger.after(plan)
    try:
        node.batch([("evm_setAutomine", [False]), ("anvil_autoImpersonateAccount", [True])])
    except RpcError as error:
        raise UnsuitableNodeError(f"the node is no anvil: {error}") from error
    funds = plan.initial_native_wei.items()
    node.batch([("anvil_setBalance", [account, hex(wei)]) for account, wei in funds])
    blocks = BlockMaker(node)
    deployed = deploy(node, blocks, placement_time)
    executed = execute(plan, blocks, first_hour)
    for seconds in range(EMPTY_BLOCKS, 0, -1):
        blocks.mine(end_time - timedelta(seconds=seconds), [])
    check_receipts(node, [*deployed, *executed])
    scenario = describe(executed, ledger, first_hour, end_time)
    _check_finality(node, scenario.last_traffic_block)
    node.batch([("anvil_setCode", [FACTS, _facts_as_code(scenario)]), ("evm_setAutomine", [True])])
    return scenario


def describe(
    executed: list[Executed], ledger: Ledger, first_hour: datetime, end_time: datetime
) -> Scenario:
    """Return the facts of a chain on which `executed` is all that happened."""
    last = executed[-1].block_number
    return Scenario(
        schema_version=SCHEMA_VERSION,
        chain_id=CHAIN_ID,
        started_at=first_hour,
        ended_at=end_time,
        first_block=executed[0].block_number,
        last_traffic_block=last,
        head_block=last + EMPTY_BLOCKS,
        transaction_count=len(executed),
        addresses={**CONTRACTS, "wallet": WALLET},
        flow=describe_coin(FLOW, executed, ledger, first_hour),
        wallet=describe_wallet(executed, ledger),
        collection=describe_collection(COLLECTION, executed, ledger),
        editions=describe_collection(EDITIONS, executed, ledger),
    )


def _check_fresh(node: Node, placement_time: datetime) -> None:
    if node.call("eth_getCode", FLOW, "latest") != "0x":
        raise UnsuitableNodeError(
            "an earlier seeding of this chain was interrupted: restart anvil and seed it again"
        )
    head = node.call("eth_getBlockByNumber", "latest", False)
    if int(head["timestamp"], 16) >= placement_time.timestamp():
        raise UnsuitableNodeError(
            f"the chain's newest block is not older than {placement_time.isoformat()}, where its "
            f"history has to begin: start anvil with {' '.join(ANVIL_ARGUMENTS)}"
        )


def _check_finality(node: Node, last_traffic_block: int) -> None:
    final = int(node.call("eth_getBlockByNumber", "finalized", False)["number"], 16)
    if final < last_traffic_block:
        raise UnsuitableNodeError(
            f"block {final} is the last final one, the traffic ends at {last_traffic_block}: "
            f"start anvil with {' '.join(ANVIL_ARGUMENTS)}"
        )


def _facts_as_code(scenario: Scenario) -> str:
    """Facts as code: a STOP, so that a call to it does nothing, and compressed JSON."""
    return "0x00" + zlib.compress(scenario.to_json().encode()).hex()


def _find_facts(node: Node) -> Scenario | None:
    code = bytes.fromhex(node.call("eth_getCode", FACTS, "latest").removeprefix("0x"))
    if not code:
        return None
    try:
        return Scenario.from_json(zlib.decompress(code[1:]).decode())
    except (zlib.error, ValueError, KeyError) as error:
        raise ScenarioError(
            f"the facts stored on the chain cannot be read ({error}): restart anvil and seed it"
        ) from error
