"""The servers on which all other tests stand."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pymongo
import pytest
from redis import Redis

from local_chain.addresses import CHAIN_ID
from local_stack.errors import StackError
from local_stack.process import ChildProcess
from local_stack.servers import AnvilServer, MongoServer, RedisServer


def test_mongodb_keeps_acknowledged_writes_over_a_crash(own_mongodb: MongoServer) -> None:
    with pymongo.MongoClient[dict[str, object]](own_mongodb.url) as client:
        client.demo.get_collection(
            "jobs", write_concern=pymongo.WriteConcern("majority")
        ).insert_one({"_id": 1})
    own_mongodb.kill()
    own_mongodb.start()
    with pymongo.MongoClient[dict[str, object]](own_mongodb.url) as client:
        assert client.demo.jobs.find_one() == {"_id": 1}


def test_redis_keeps_its_data_over_a_crash(own_redis: RedisServer) -> None:
    with Redis.from_url(own_redis.url) as client:
        client.set("key", "value")
    own_redis.kill()
    own_redis.start()
    with Redis.from_url(own_redis.url) as client:
        assert client.get("key") == b"value"


def test_a_forgetful_redis_starts_empty(forgetful_redis: RedisServer) -> None:
    with Redis.from_url(forgetful_redis.url) as client:
        client.set("key", "value")
    forgetful_redis.kill()
    forgetful_redis.start()
    with Redis.from_url(forgetful_redis.url) as client:
        assert client.dbsize() == 0


def test_anvil_serves_the_local_chain(own_anvil: AnvilServer) -> None:
    question = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    answer = httpx.post(own_anvil.url, json=question).json()
    assert int(answer["result"], 16) == CHAIN_ID


def test_no_server_outlives_a_killed_launcher(tmp_path: Path) -> None:
    launcher = """
import sys, threading, time
from pathlib import Path
from local_stack.servers import RedisServer
server = RedisServer(Path(sys.argv[1]), Path(sys.argv[1]) / "log")
thread = threading.Thread(target=server.start)  # gone long before its child
thread.start()
thread.join()
print(server.process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", launcher, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        server = psutil.Process(int(process.stdout.readline()))
        assert server.status() != psutil.STATUS_ZOMBIE
        os.kill(process.pid, signal.SIGKILL)
    server.wait(timeout=10)
    assert not server.is_running()


def test_a_server_that_cannot_start_tells_why_and_where_its_log_is(
    own_redis: RedisServer, tmp_path: Path
) -> None:
    second = RedisServer(tmp_path / "data", tmp_path / "redis.log")
    second.process.command[second.process.command.index(str(second.port))] = str(own_redis.port)
    with pytest.raises(StackError, match=r"redis ended .*redis\.log"):
        second.start()


def test_a_child_is_not_started_twice(tmp_path: Path) -> None:
    child = ChildProcess("sleeper", ["sleep", "60"], tmp_path / "log")
    child.start()
    try:
        with pytest.raises(StackError, match="runs already"):
            child.start()
    finally:
        child.kill()


def test_a_child_that_ignores_the_end_is_ended_by_force(tmp_path: Path) -> None:
    stubborn = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
signal.pause()
"""
    child = ChildProcess("stubborn", [sys.executable, "-c", stubborn], tmp_path / "log")
    child.start()
    while not child.last_log_line():
        time.sleep(0.01)
    child.stop(timeout_seconds=0.2)
    assert child.exit_code == -signal.SIGKILL
