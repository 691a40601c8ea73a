"""First funders found by earlier runs: who sent a wallet its first coin never changes."""

from collections.abc import Collection, Mapping
from typing import Any

from pymongo import ReplaceOne
from pymongo.asynchronous.database import AsyncDatabase

from common.chain.types import Address
from nft_worker.models import Funding

FUNDERS = "nft_first_funders"


class FunderMemory:
    """The known first funders on one chain, one document a wallet."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], chain_id: int) -> None:
        self._funders = database[FUNDERS]
        self._chain_id = chain_id

    async def find(self, wallets: Collection[Address]) -> dict[Address, Funding | None]:
        """Return what is known of some wallets; None for those that nobody funded."""
        cursor = self._funders.find({"_id": {"$in": [self._name(each) for each in wallets]}})
        return {
            Address(found["wallet"]): None
            if found["funder"] is None
            else Funding(Address(found["funder"]), found["block"])
            async for found in cursor
        }

    async def keep(self, fundings: Mapping[Address, Funding | None]) -> None:
        """Keep what was found."""
        if not fundings:
            return
        await self._funders.bulk_write(
            [
                ReplaceOne(
                    {"_id": self._name(wallet)},
                    {
                        "wallet": wallet,
                        "funder": None if funding is None else funding.funder,
                        "block": None if funding is None else funding.block_number,
                    },
                    upsert=True,
                )
                for wallet, funding in fundings.items()
            ],
            ordered=False,
        )

    def _name(self, wallet: Address) -> str:
        return f"{self._chain_id}:{wallet}"
