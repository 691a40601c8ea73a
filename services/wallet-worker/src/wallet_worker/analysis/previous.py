"""An earlier snapshot as far as a later one is compared with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.chain.types import Address
from wallet_worker.models import TokenId


@dataclass(frozen=True, slots=True)
class PreviousSnapshot:
    """Balances that an earlier snapshot recorded.

    Attributes:
        snapshot_id: Id of the stored result.
        tokens: Raw ERC-20 balances, None inside where the contract did not answer; None when the
            snapshot did not read tokens.
        has_all_tokens: No list of tokens was cut: a token that is not in `tokens` was not held.
        nfts: Amounts of token ids; None when the snapshot did not read them.
        has_all_nfts: As `has_all_tokens`.
    """

    snapshot_id: str
    block_number: int
    block_hash: str
    native_wei: int
    tokens: Mapping[Address, int | None] | None
    has_all_tokens: bool
    nfts: Mapping[TokenId, int] | None
    has_all_nfts: bool


def read_previous(
    stored: Mapping[str, Any] | None, chain_id: int, wallet: Address, newest_block: int
) -> PreviousSnapshot | None:
    """Return what `stored` says of the same wallet, None when it is not comparable.

    Args:
        stored: A result of `wallet_snapshot` as it rests in MongoDB.
        chain_id: Chain of the new snapshot.
        wallet: Its wallet.
        newest_block: Its block; a snapshot of a later one does not count.
    """
    if stored is None or stored["chainId"] != chain_id or stored["wallet"]["address"] != wallet:
        return None
    if stored["block"]["number"] > newest_block:
        return None
    held = stored.get("tokens")
    nfts = stored.get("nfts")
    return PreviousSnapshot(
        snapshot_id=str(stored["_id"]),
        block_number=stored["block"]["number"],
        block_hash=stored["block"]["hash"],
        native_wei=int(stored["native"]["balanceRaw"]),
        tokens=None if held is None else {each["contractAddress"]: _amount(each) for each in held},
        has_all_tokens=held is not None and len(held) == stored["tokensTotal"],
        nfts=None
        if nfts is None
        else {
            (each["contractAddress"], int(each["tokenId"])): int(each["balanceRaw"])
            for each in nfts
        },
        has_all_nfts=nfts is not None and len(nfts) == stored["nftsTotal"],
    )


def _amount(holding: Mapping[str, Any]) -> int | None:
    raw = holding["balanceRaw"]
    return None if raw is None else int(raw)
