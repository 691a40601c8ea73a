"""What users may set: .env.example names it all, and docker compose takes it."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic_settings import BaseSettings

from common.settings import LabelSettings, WorkerSettings
from gateway.settings import GatewaySettings
from local_stack.services import SERVICES as LAUNCHED
from local_stack.settings import StackSettings
from scheduler.settings import SchedulerSettings
from wallet_worker.settings import WalletWorkerSettings

CHECKOUT = Path(__file__).parents[2]
EXAMPLE = (CHECKOUT / ".env.example").read_text()
COMPOSE = CHECKOUT / "docker-compose.yml"
SETTING = re.compile(r"^(?:# )?([A-Z_]+)=(.*)$", re.MULTILINE)

MODELS: list[type[BaseSettings]] = [
    GatewaySettings,
    SchedulerSettings,
    WorkerSettings,
    WalletWorkerSettings,
    LabelSettings,
]
READ_ELSEWHERE = {"JAEGER_PORT", "JOB_RUNNER_MONGOD", "JOB_RUNNER_REDIS", "JOB_RUNNER_ANVIL"}
"""By `docker-compose.yml` and `local_stack.binaries`."""


def test_every_setting_is_named_and_nothing_else() -> None:
    named = [name for name, _ in SETTING.findall(EXAMPLE)]
    settings = {name.upper() for model in MODELS for name in model.model_fields}
    settings |= {name.upper() for name in StackSettings.model_fields}

    assert sorted(named) == sorted(settings | READ_ELSEWHERE)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_what_is_shown_is_the_default_or_where_there_is_none_an_example_that_is_accepted(
    model: type[BaseSettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{name}={value}" for name, value in SETTING.findall(EXAMPLE)]
    (tmp_path / ".env").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    for name in model.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)

    shown = model()

    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if default is None or default == {}:
            assert getattr(shown, name) != default, name
        else:
            assert getattr(shown, name) == default, name


@pytest.mark.parametrize("service", LAUNCHED)
def test_docker_compose_takes_servers_from_the_environment_and_keeps_its_ports(
    service: str,
) -> None:
    given = yaml.safe_load(COMPOSE.read_text())["services"][service]["environment"]

    for name in ("MONGODB_URI", "REDIS_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        assert re.fullmatch(rf"\$\{{{name}:-\w+://[^}}]+\}}", given[name])
    everywhere = "0.0.0.0"  # noqa: S104  # inside a container
    assert (given["HOST"], given["HEALTH_HOST"], given["HEALTH_PORT"]) == (
        everywhere,
        everywhere,
        8080,
    )
