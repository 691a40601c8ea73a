"""Where server programs come from, and what is said when there is none."""

import re
import stat
from importlib import metadata
from pathlib import Path

import pytest

from local_stack import binaries
from local_stack.errors import StackError


def _program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_the_users_choice_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = _program(tmp_path / "my-mongod", "exit 0")
    _program(tmp_path / "mongod", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("JOB_RUNNER_MONGOD", str(chosen))
    assert binaries.find_mongod() == chosen


def test_the_path_comes_before_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOB_RUNNER_REDIS", raising=False)
    installed = _program(tmp_path / "redis-server", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert binaries.find_redis_server() == installed


def test_the_wheels_carry_servers_that_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("JOB_RUNNER_MONGOD", "JOB_RUNNER_REDIS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "site-packages" in binaries.find_mongod().parts
    assert "site-packages" in binaries.find_redis_server().parts


def test_a_choice_that_is_no_program_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOB_RUNNER_ANVIL", "/no/such/anvil")
    with pytest.raises(StackError, match=re.escape("JOB_RUNNER_ANVIL=/no/such/anvil is not")):
        binaries.find_anvil()


def test_a_program_that_the_loader_refuses_is_told_with_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = "echo 'libcrypto.so.3: cannot open shared object file' >&2; exit 127"
    monkeypatch.setenv("JOB_RUNNER_MONGOD", str(_program(tmp_path / "mongod", refused)))
    with pytest.raises(StackError, match=r"libcrypto\.so\.3.*libssl3.*MONGODB_URI"):
        binaries.find_mongod()


def test_a_missing_wheel_is_told_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_installed(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.delenv("JOB_RUNNER_MONGOD", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(metadata, "files", not_installed)
    with pytest.raises(StackError, match=r"make setup.*JOB_RUNNER_MONGOD"):
        binaries.find_mongod()
