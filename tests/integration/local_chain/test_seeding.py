"""Seeding on nodes of the test's own: fresh, seeded, interrupted, unsuitable, absent."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local_chain.addresses import COLLECTION, CREATOR, FLOW, MARKETPLACE, SMALL_HOLDERS
from local_chain.coin_actions import transfer_coins
from local_chain.errors import (
    NodeUnreachableError,
    RpcError,
    ScenarioError,
    UnsuitableNodeError,
)
from local_chain.execution import BlockMaker, check_receipts, utc_now
from local_chain.node import Node
from local_chain.scenario import Scenario, build, find_scenario
from local_stack.ports import find_free_port
from local_stack.servers import AnvilServer

END_TIME = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local_chain", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_same_end_time_gives_the_same_facts_on_another_node(
    own_anvil: AnvilServer, servers_directory: Path
) -> None:
    twin = AnvilServer(servers_directory / "twin.log")
    twin.start()
    try:
        assert build(own_anvil.url, END_TIME) == build(twin.url, END_TIME)
    finally:
        twin.kill()


def test_a_seeded_chain_is_left_as_it_is(own_anvil: AnvilServer) -> None:
    assert find_scenario(own_anvil.url) is None
    planted = build(own_anvil.url, END_TIME)

    assert build(own_anvil.url) == planted
    assert find_scenario(own_anvil.url) == planted
    with Node(own_anvil.url) as node:
        assert int(node.call("eth_blockNumber"), 16) == planted.head_block


def test_an_interrupted_seeding_is_told_from_a_fresh_chain(own_anvil: AnvilServer) -> None:
    with Node(own_anvil.url) as node:
        node.call("anvil_setCode", FLOW, "0x00")

    with pytest.raises(UnsuitableNodeError, match="interrupted: restart anvil"):
        build(own_anvil.url)


def test_a_chain_without_room_for_the_history_is_refused_with_the_way_out(
    own_anvil: AnvilServer,
) -> None:
    with Node(own_anvil.url) as node:
        node.call("evm_mine", {"timestamp": int(utc_now().timestamp())})

    with pytest.raises(UnsuitableNodeError, match="start anvil with --chain-id 31337 --timestamp"):
        build(own_anvil.url)


def test_another_chain_is_never_written_to(own_anvil: AnvilServer) -> None:
    with Node(own_anvil.url) as node:
        node.call("anvil_setChainId", 1)

        with pytest.raises(UnsuitableNodeError, match=r"chain id 1: expected .* 31337"):
            build(own_anvil.url)
        assert int(node.call("eth_blockNumber"), 16) == 0


def test_a_naive_end_time_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        build("http://127.0.0.1:1", datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_node_that_does_not_answer_is_named_without_its_path() -> None:
    url = f"http://127.0.0.1:{find_free_port()}/v2/secret-key"

    with pytest.raises(
        NodeUnreachableError, match=r"no JSON-RPC answer from 127.0.0.1:\d+ \("
    ) as e:
        build(url)
    assert "secret-key" not in str(e.value)


def test_a_refused_call_is_an_error_that_names_the_method(own_anvil: AnvilServer) -> None:
    with Node(own_anvil.url) as node, pytest.raises(RpcError, match="eth_nonsense failed"):
        node.call("eth_nonsense")


def test_a_reverted_transaction_fails_the_seeding(own_anvil: AnvilServer) -> None:
    build(own_anvil.url, END_TIME)
    with Node(own_anvil.url) as node:
        node.call("evm_setAutomine", False)
        penniless = transfer_coins(FLOW, CREATOR, SMALL_HOLDERS[0], 10**18)
        executed = BlockMaker(node).mine(utc_now(), [penniless])

        with pytest.raises(ScenarioError, match="reverted in block"):
            check_receipts(node, executed)


def test_the_command_line_seeds_once_and_writes_the_facts(
    own_anvil: AnvilServer, tmp_path: Path
) -> None:
    out = tmp_path / "scenario.json"

    first = run_command("seed", "--rpc-url", own_anvil.url, "--out", str(out))
    again = run_command("seed", "--rpc-url", own_anvil.url)

    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert first.stdout.startswith("Seeded in ")
    assert again.stdout.startswith("The chain is seeded already")
    assert Scenario.from_json(out.read_text()) == find_scenario(own_anvil.url)
    assert json.loads(out.read_text())["flow"]["address"] == FLOW


@pytest.mark.parametrize("command", ["seed", "traffic"])
def test_the_command_line_tells_an_absent_node_in_one_line(command: str) -> None:
    done = run_command(command, "--rpc-url", f"http://127.0.0.1:{find_free_port()}")

    assert done.returncode == 1
    assert done.stderr.startswith("NodeUnreachableError: no JSON-RPC answer from 127.0.0.1:")
    assert done.stderr.count("\n") == 1


def test_traffic_needs_a_seeded_chain(own_anvil: AnvilServer) -> None:
    done = run_command("traffic", "--rpc-url", own_anvil.url)

    assert done.returncode == 1
    assert "the chain is not seeded" in done.stderr


def test_traffic_goes_on_until_sigterm_and_leaves_the_facts(own_anvil: AnvilServer) -> None:
    planted = build(own_anvil.url)
    command = [sys.executable, "-m", "local_chain", "traffic", "--rpc-url", own_anvil.url]
    process = subprocess.Popen(
        [*command, "--interval-seconds", "0.01"], stdout=subprocess.PIPE, text=True
    )
    with Node(own_anvil.url) as node, process:
        while int(node.call("eth_blockNumber"), 16) < planted.head_block + 40:
            assert process.poll() is None
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGTERM)
        output, _ = process.communicate(timeout=60)

        assert process.returncode == 0
        assert output.startswith("Stopped after ")
        numbers = range(planted.head_block + 1, planted.head_block + 41)
        blocks = node.batch([("eth_getBlockByNumber", [hex(n), True]) for n in numbers])
        called = {each["to"] for block in blocks for each in block["transactions"]}
        assert called == {FLOW, COLLECTION, MARKETPLACE}
        assert find_scenario(own_anvil.url) == planted
