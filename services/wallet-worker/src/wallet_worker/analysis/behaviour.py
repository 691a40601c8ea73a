"""Tokens whose balances do not follow their transfers: what the last arrival shows about them."""

from collections.abc import Iterable, Mapping

from common.chain.types import Address
from common.results.wallet_snapshot import TokenBehaviour
from wallet_worker.analysis.ledger import token_ledgers
from wallet_worker.models import History, Movement, Probe

MOST_PROBES = 50


def arrivals_to_probe(
    wallet: Address, history: History, balances: Mapping[Address, int | None]
) -> dict[Address, int]:
    """Return the last block with an arrival of each token that its transfers do not explain.

    At most 50 tokens, the most recently moved ones.
    """
    last: dict[Address, int] = {}
    for movement in history.movements:
        if movement.standard == "erc20" and movement.recipient == wallet and movement.amount:
            last[movement.contract] = movement.block_number
    ledgers = token_ledgers(wallet, history.movements, history.wraps)
    odd = [
        contract
        for contract, block in last.items()
        if block > 0
        and balances.get(contract)
        not in (None, ledgers[contract].received - ledgers[contract].sent)
    ]
    newest = sorted(odd, key=lambda contract: (-last[contract], contract))
    return {contract: last[contract] for contract in newest[:MOST_PROBES]}


def token_behaviour(
    wallet: Address,
    contract: Address,
    unexplained: int | None,
    movements: Iterable[Movement],
    probe: tuple[int, Probe] | None,
) -> TokenBehaviour:
    """Return how a token behaves, by its balance around its last arrival.

    Args:
        wallet: The wallet.
        contract: The token.
        unexplained: What its transfers leave unexplained of its balance; None when unknown.
        movements: All movements of the wallet.
        probe: Block and balances of the last arrival, where an endpoint still had them.
    """
    if unexplained == 0:
        return "standard"
    if unexplained is None or probe is None:
        return "unknown"
    block, balances = probe
    logged = sum(
        _net(wallet, each)
        for each in movements
        if each.contract == contract and each.block_number == block
    )
    credited = balances.after - balances.before
    if credited == logged:
        return "rebasing"
    if credited == 0:
        return "phony_events"
    return "fee_on_transfer" if 0 < credited < logged else "unknown"


def _net(wallet: Address, movement: Movement) -> int:
    return movement.amount * ((movement.recipient == wallet) - (movement.sender == wallet))
