"""What the plan says about the ERC-721 collection and the ERC-1155 editions."""

from collections import defaultdict
from collections.abc import Sequence

from local_chain.deployment import DEPLOYMENTS
from local_chain.execution import Executed
from local_chain.facts import CollectionFacts, MintBurst, PlantedPattern, Sale
from local_chain.ledger import Ledger
from local_chain.plan import ZERO_ADDRESS, Movement, Pattern

TOKEN_PATTERNS = (
    Pattern.SELF_TRADE,
    Pattern.ROUND_TRIP,
    Pattern.RING,
    Pattern.RAPID_FLIP,
    Pattern.VAULT_VISIT,
)


def describe_collection(
    address: str, executed: Sequence[Executed], ledger: Ledger
) -> CollectionFacts:
    """Return the facts about an NFT contract whose whole history is in `executed`."""
    ours = [each for each in executed if _moved(address, each)]
    moved = [movement for each in ours for movement in _moved(address, each)]
    _, (name, symbol, _) = DEPLOYMENTS[address]
    token_ids = ledger.token_ids(address)
    return CollectionFacts(
        address=address,
        name=name,
        symbol=symbol,
        total_supply=sum(ledger.total_supply(address, token_id) for token_id in token_ids),
        transfer_count=len(moved),
        mint_count=sum(movement.sender == ZERO_ADDRESS for movement in moved),
        burn_count=sum(movement.receiver == ZERO_ADDRESS for movement in moved),
        holder_count=len(
            {holder for token_id in token_ids for holder in ledger.holders(address, token_id)}
        ),
        sales=tuple(_sales(ours)),
        planted=tuple(_planted(address, ours)),
        mint_burst=_mint_burst(address, ours),
    )


def _moved(address: str, each: Executed) -> list[Movement]:
    return [movement for movement in each.transaction.movements if movement.asset == address]


def _sales(executed: Sequence[Executed]) -> list[Sale]:
    return [
        Sale(
            tx_hash=each.tx_hash,
            block_number=each.block_number,
            timestamp=each.timestamp,
            token_id=terms.token_id,
            quantity=terms.quantity,
            seller=terms.seller,
            buyer=terms.buyer,
            currency=terms.currency,
            price_wei=terms.price_wei,
            pattern=each.transaction.pattern,
        )
        for each in executed
        if (terms := each.transaction.sale)
    ]


def _planted(address: str, executed: Sequence[Executed]) -> list[PlantedPattern]:
    hashes: dict[tuple[Pattern, int], list[str]] = defaultdict(list)
    wallets: dict[tuple[Pattern, int], dict[str, None]] = defaultdict(dict)
    for each in executed:
        pattern = each.transaction.pattern
        if pattern not in TOKEN_PATTERNS:
            continue
        for movement in _moved(address, each):
            if movement.token_id is not None:
                key = pattern, movement.token_id
                hashes[key].append(each.tx_hash)
                wallets[key].update({movement.sender: None, movement.receiver: None})
    return [
        PlantedPattern(pattern, token_id, tuple(wallets[pattern, token_id]), tuple(found))
        for (pattern, token_id), found in hashes.items()
    ]


def _mint_burst(address: str, executed: Sequence[Executed]) -> MintBurst | None:
    burst = [each for each in executed if each.transaction.pattern is Pattern.MINT_BURST]
    if not burst:
        return None
    minted = [movement for each in burst for movement in _moved(address, each)]
    return MintBurst(
        block_number=burst[0].block_number,
        timestamp=burst[0].timestamp,
        mint_count=len(minted),
        receivers=tuple(dict.fromkeys(movement.receiver for movement in minted)),
        tx_hashes=tuple(each.tx_hash for each in burst),
    )
