"""What this worker reads from its environment beside what every worker does."""

from pydantic import Field, PositiveFloat, SecretStr

from common.models import CamelModel
from common.settings import ServiceSettings


class ExplorerApi(CamelModel):
    """A block explorer with an API like Etherscan's (Etherscan, Blockscout, Routescan).

    Attributes:
        url: Such as `https://api.etherscan.io/v2/api`; may hold a key, so it is never shown.
        key: Sent as `apikey`.
        page_size: Records that one call may ask for: 1,000 in Etherscan's free tier, 10,000 in
            the paid ones.
        calls_per_second: Most calls of this process.
    """

    url: SecretStr
    key: SecretStr | None = None
    page_size: int = Field(default=1_000, ge=1, le=10_000)
    calls_per_second: PositiveFloat = 3.0


class WalletWorkerSettings(ServiceSettings):
    """Settings of the wallet worker."""

    explorer_apis: dict[int, ExplorerApi] = Field(
        default_factory=dict,
        description='chain id to explorer API: {"1": {"url": "https://...", "key": "..."}}',
    )
