"""Who holds what after the plan, computed from its movements and nothing else."""

from collections import defaultdict
from collections.abc import Iterable

from local_chain.errors import ScenarioError
from local_chain.plan import NATIVE, ZERO_ADDRESS, Plan

Holding = tuple[str, int | None]  # asset and, of an NFT, the token id


class Ledger:
    """Raw balances per asset, token id and holder."""

    def __init__(self) -> None:
        self._balances: dict[Holding, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    @classmethod
    def after(cls, plan: Plan) -> "Ledger":
        """Replay a plan in chain order.

        Raises:
            ScenarioError: Somebody gives away more than they hold at that moment.
        """
        ledger = cls()
        for account, wei in plan.initial_native_wei.items():
            ledger._balances[NATIVE, None][account] = wei
        for transaction in plan.transactions():
            for movement in transaction.movements:
                balances = ledger._balances[movement.asset, movement.token_id]
                if movement.sender != ZERO_ADDRESS:
                    balances[movement.sender] -= movement.amount
                    if balances[movement.sender] < 0:
                        raise ScenarioError(
                            f"{movement.sender} holds too little of {movement.asset} "
                            f"(token id {movement.token_id}) to move {movement.amount}"
                        )
                if movement.receiver != ZERO_ADDRESS:
                    balances[movement.receiver] += movement.amount
        return ledger

    def balance(self, asset: str, holder: str, token_id: int | None = None) -> int:
        """Return a raw balance."""
        return self._balances[asset, token_id].get(holder, 0)

    def holders(self, asset: str, token_id: int | None = None) -> dict[str, int]:
        """Return all positive balances of an asset (of one token id of it)."""
        balances = self._balances[asset, token_id]
        return {holder: amount for holder, amount in balances.items() if amount > 0}

    def total_supply(self, asset: str, token_id: int | None = None) -> int:
        """Return the sum of all balances."""
        return sum(self._balances[asset, token_id].values())

    def token_ids(self, collection: str) -> Iterable[int]:
        """Return every token id of a collection that somebody holds, in ascending order."""
        return sorted(
            token_id
            for asset, token_id in list(self._balances)
            if asset == collection and token_id is not None and self.holders(asset, token_id)
        )
