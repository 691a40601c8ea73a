"""What a user may decide by environment variables or in the checkout's `.env`."""

from typing import Any

from pydantic import Field, PositiveInt, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from local_stack.errors import StackError
from local_stack.paths import CHECKOUT


class StackSettings(BaseSettings):
    """Servers of the user's own take the place of embedded ones.

    Attributes:
        port: Where the API listens.
        mongodb_uri: A MongoDB replica set of the user's; an embedded one when absent.
        redis_url: A Redis of the user's; an embedded one when absent.
        rpc_urls: Endpoints of the user's chains; a local chain with known traffic when absent.
        default_chain_id: The chain that jobs are about unless they name one.
    """

    model_config = SettingsConfigDict(
        env_file=CHECKOUT / ".env", frozen=True, extra="ignore", env_ignore_empty=True
    )

    port: int = Field(default=3000, ge=1, le=65_535)
    mongodb_uri: SecretStr | None = None
    redis_url: SecretStr | None = None
    rpc_urls: dict[int, list[SecretStr]] | None = Field(default=None, min_length=1)
    default_chain_id: PositiveInt | None = None


def read_settings(**overrides: Any) -> StackSettings:
    """Return the settings, with `overrides` above everything else.

    Raises:
        StackError: A variable has no sensible value; its value is not repeated, it may be secret.
    """
    try:
        return StackSettings(**overrides)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]).upper()
        raise StackError(f"{where} in the environment or .env: {first['msg']}") from None
    except ValueError as error:  # pydantic-settings: a value that should be JSON is not
        raise StackError(f'{error}: it must be JSON, such as {{"1": ["https://.."]}}') from None
