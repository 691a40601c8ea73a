"""The page docs/adding-an-action.md works as written: its code is taken from it and executed."""

import importlib
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

import common.actions
from common.actions import discover
from common.chain.client import Chains
from common.events import JobDue, RunCompleted
from common.models import now_utc
from common.mongo_client import create_mongo
from common.worker.attempt import AttemptRunner
from common.worker.results import ResultStore
from local_chain.scenario import Scenario

CHECKOUT = Path(__file__).parents[2]
PAGE = CHECKOUT / "docs" / "adding-an-action.md"
BLOCK = re.compile(r"```python\n# \S+/src/(?P<path>\S+)\n(?P<code>.*?)```", re.DOTALL)


@pytest.fixture
def written_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's files in a folder of their own, importable beside the real packages."""
    for block in BLOCK.finditer(PAGE.read_text()):
        file = tmp_path / block["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block["code"])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        common.actions, "__path__", [*common.actions.__path__, str(tmp_path / "common/actions")]
    )
    yield tmp_path
    for name in [name for name in sys.modules if "count_transfers" in name or "counter" in name]:
        del sys.modules[name]


async def test_the_action_of_the_page_is_found_and_counts_the_transfers_of_a_real_token(
    written_package: Path, scenario: Scenario, anvil_url: str, mongodb_uri: str, database_name: str
) -> None:
    action = discover(list(common.actions.__path__), "common.actions")["count_transfers"]
    handler = importlib.import_module("counter_worker.handler").count_transfers
    assert importlib.import_module("counter_worker.main").main

    async with create_mongo(SecretStr(mongodb_uri)) as mongo:
        chains = Chains({scenario.chain_id: [SecretStr(anvil_url)]}, scenario.chain_id)
        results = ResultStore(mongo, database_name, action)
        runner = AttemptRunner(action, handler, chains, results, thresholds={})
        due = JobDue(
            run_id=uuid.uuid4().hex,
            job_id="job",
            action=action.name,
            attempt=1,
            payload={"tokenAddress": scenario.flow.address},
            chain_id=None,
            due_at=now_utc(),
            timeout_seconds=60,
        )

        outcome = await runner.carry_out(due, _no_progress)
        await chains.close()

        assert isinstance(outcome, RunCompleted), outcome
        stored = await mongo[database_name][action.results_collection].find_one(due.run_id)
    assert stored is not None
    assert stored["transferCount"] == scenario.flow.transfer_count


def test_the_code_of_the_page_is_as_lint_wants_it(written_package: Path) -> None:
    settings = ["--config", str(CHECKOUT / "pyproject.toml")]
    settings += ["--config", 'lint.isort.known-first-party = ["common", "counter_worker"]']
    for check in (["check"], ["format", "--diff"]):
        ruff = [sys.executable, "-m", "ruff", *check, "--no-cache", *settings]
        done = subprocess.run(
            [*ruff, str(written_package)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


async def _no_progress(step: str) -> None:
    """Nobody watches."""
