"""What services read from their environment; the only module of this library that reads it.

Variables have no prefix, because `REDIS_URL`, `MONGODB_URI`, `PORT` and `RPC_URLS` are the names
that users of the former system have set already. A `.env` file in the working directory is read
too; the environment wins over it.
"""

import os
import socket
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from pydantic import (
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from common.actions import ACTIONS
from common.actions.thresholds import resolve_thresholds
from common.chain.limits import RpcLimit
from common.errors import PayloadError
from common.models import Number

Thresholds: TypeAlias = dict[str, Number]
"""camelCase name to value."""


class ServiceSettings(BaseSettings):
    """What every service needs. Built once, in its `main`."""

    model_config = SettingsConfigDict(
        env_file=".env", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    mongodb_uri: SecretStr = SecretStr("mongodb://127.0.0.1:27017/?replicaSet=rs0")
    mongodb_database: str = "job-runner"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "text"] = "text"
    otel_exporter_otlp_endpoint: str | None = Field(
        default=None, description="base URL of an OTLP/HTTP receiver; tracing is off without it"
    )
    health_host: str = "127.0.0.1"
    health_port: int | None = Field(
        default=None, ge=0, le=65_535, description="port of /livez, /readyz and /metrics"
    )


class WorkerSettings(ServiceSettings):
    """What a worker reads from its environment.

    A lease must outlive several heartbeats, or a live run is taken for lost.
    """

    rpc_urls: dict[int, list[SecretStr]] = Field(
        default_factory=dict,
        description='chain id to endpoint URLs in order of preference: {"1": ["https://..."]}',
    )
    rpc_limits: dict[int, RpcLimit | list[RpcLimit]] = Field(
        default_factory=dict,
        description="by chain id, what each endpoint is asked at most by all workers together:"
        ' {"1": [{"requestsPerSecond": 25, "concurrency": 10}]}; one for all, or one for each',
    )
    default_chain_id: PositiveInt = 1
    concurrency: PositiveInt = Field(default=8, description="runs carried out at the same time")
    global_concurrency: dict[str, PositiveInt] = Field(
        default_factory=dict,
        description="action to number of its runs carried out at the same time by all workers "
        'together, which must all be told the same: {"wallet_snapshot": 20}; no limit when absent',
    )
    lease_seconds: PositiveFloat = 2.5
    heartbeat_seconds: PositiveFloat = 0.5
    shutdown_grace_seconds: PositiveFloat = 20.0
    results_retention_days: PositiveFloat | None = Field(
        default=None, description="how long results are kept; for ever when absent"
    )
    chain_store_retention_days: PositiveFloat = Field(
        default=90.0, description="how long final chain data is kept that no run uses"
    )
    chain_metadata_days: PositiveFloat = Field(
        default=30.0, description="after that names, decimals and code are read again"
    )
    thresholds: dict[str, Thresholds] = Field(
        default_factory=dict,
        description="action to defaults of its thresholds, by camelCase name: "
        '{"wallet_snapshot": {"spamScore": 0.8}}',
    )

    def limits_of_endpoints(self) -> dict[int, list[RpcLimit]]:
        """Return the limits by chain id, one for each of the chain's endpoints in order."""
        return {
            chain_id: limits
            if isinstance(limits, list)
            else [limits] * len(self.rpc_urls.get(chain_id, ()))
            for chain_id, limits in self.rpc_limits.items()
        }

    @field_validator("global_concurrency", "thresholds", mode="before")
    @classmethod
    def _actions_exist(cls, by_action: object) -> object:
        if isinstance(by_action, dict) and (unknown := sorted(set(by_action) - set(ACTIONS))):
            raise ValueError(
                f"no action is called {', '.join(unknown)}: expected {', '.join(sorted(ACTIONS))}"
            )
        return by_action

    @field_validator("thresholds")
    @classmethod
    def _thresholds_exist(cls, by_action: dict[str, Thresholds]) -> dict[str, Thresholds]:
        """Every worker checks those of all actions: one configuration serves all of them."""
        for action, configured in by_action.items():
            try:
                resolve_thresholds(ACTIONS[action].thresholds, configured, {})
            except PayloadError as error:
                raise ValueError(f"{action}: {error}") from error
        return by_action

    @model_validator(mode="after")
    def _lease_outlives_heartbeats(self) -> "WorkerSettings":
        if self.lease_seconds < 3 * self.heartbeat_seconds:
            raise ValueError(
                f"LEASE_SECONDS={self.lease_seconds} must be at least three times "
                f"HEARTBEAT_SECONDS={self.heartbeat_seconds}, or live runs are taken for lost"
            )
        return self


class LabelSettings(BaseSettings):
    """Where labels of addresses are beside those that come with this package."""

    model_config = SettingsConfigDict(env_file=".env", frozen=True, extra="ignore")

    address_labels_file: Path | None = Field(
        default=None, description="CSV file with the columns chainId, address, kind and name"
    )


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


def load_settings(model: type[SettingsT]) -> SettingsT:
    """Return a service's settings.

    Raises:
        SystemExit: A variable is wrong; names each, but no value, which may be a secret.
    """
    try:
        return model()
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, each['loc'])).upper() or 'settings'}: {each['msg']}"
            for each in error.errors(include_input=False, include_context=False)
        )
    except SettingsError as error:
        problems = f"{error} (expected JSON, see .env.example)"
    raise SystemExit(f"wrong settings in the environment or .env: {problems}")


def process_name() -> str:
    """Return `<host>-<pid>`: unique among the processes that share a consumer group."""
    return f"{socket.gethostname()}-{os.getpid()}"
