"""What a user decides by the environment, and how a mistake in it is told."""

from pathlib import Path

import pytest

from local_stack import own_servers
from local_stack.errors import StackError
from local_stack.own_servers import check_own_servers
from local_stack.ports import find_free_port
from local_stack.settings import StackSettings, read_settings


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "MONGODB_URI", "REDIS_URL", "RPC_URLS", "DEFAULT_CHAIN_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(StackSettings.model_config, "env_file", tmp_path / ".env")


def test_without_any_wish_everything_is_embedded() -> None:
    settings = read_settings()
    assert settings.port == 3000
    assert (settings.mongodb_uri, settings.redis_url, settings.rpc_urls) == (None, None, None)


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("PORT=3111\nREDIS_URL=redis://file\n")
    monkeypatch.setenv("PORT", "3222")
    settings = read_settings()
    assert settings.port == 3222
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == "redis://file"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PORT", "many"), ("PORT", "70000"), ("RPC_URLS", "https://key@node"), ("RPC_URLS", "{}")],
)
def test_a_senseless_value_is_told_by_its_variable_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(StackError) as error:
        read_settings()
    assert variable in str(error.value).upper()
    assert "key" not in str(error.value)


def test_servers_of_the_user_that_answer_are_accepted(
    mongodb_uri: str, redis_url: str, anvil_url: str
) -> None:
    check_own_servers(
        read_settings(mongodb_uri=mongodb_uri, redis_url=redis_url, rpc_urls={31337: [anvil_url]})
    )


def test_servers_of_the_user_that_are_away_are_told_without_their_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(own_servers, "PATIENCE_SECONDS", 1)  # nobody will answer
    away = f"user:secret@127.0.0.1:{find_free_port()}"
    with pytest.raises(StackError, match="no MongoDB answers at MONGODB_URI") as mongodb:
        check_own_servers(read_settings(mongodb_uri=f"mongodb://{away}/"))
    with pytest.raises(StackError, match="no Redis answers at REDIS_URL") as redis:
        check_own_servers(read_settings(redis_url=f"redis://{away}/0"))
    with pytest.raises(StackError, match="of chain 1, but nobody answers") as chain:
        check_own_servers(read_settings(rpc_urls={1: [f"http://{away}/"]}))
    for error in (mongodb, redis, chain):
        assert "secret" not in str(error.value)


def test_an_endpoint_of_another_chain_is_told(anvil_url: str) -> None:
    with pytest.raises(StackError, match="of chain 1, but only chain 31337 answers"):
        check_own_servers(read_settings(rpc_urls={1: [anvil_url]}))
