"""Mints of the ERC-721 collection: ids are consecutive in the order in which mints are planned."""

from dataclasses import dataclass, field

from local_chain.nft_actions import mint_nfts
from local_chain.plan import Pattern, Plan


@dataclass
class Mints:
    """Plans mints and remembers the first owner of every token.

    Mints must be planned in chain order, because the contract hands out ids in that order.
    """

    plan: Plan
    first_owners: dict[int, str] = field(default_factory=dict)
    _latest_slot: int | None = None

    def add(
        self, slot: int, receiver: str, quantity: int = 1, *, pattern: Pattern | None = None
    ) -> range:
        """Plan one mint transaction and return the ids it creates.

        Raises:
            ValueError: An earlier mint was planned for a later slot.
        """
        if self._latest_slot is not None and slot < self._latest_slot:
            raise ValueError(f"mint in slot {slot} is planned after one in {self._latest_slot}")
        self._latest_slot = slot
        first_id = len(self.first_owners)
        minted = range(first_id, first_id + quantity)
        self.first_owners.update(dict.fromkeys(minted, receiver))
        self.plan.add(slot, mint_nfts(receiver, minted, pattern=pattern))
        return minted
