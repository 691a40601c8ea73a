"""Where NFT contracts say that the metadata of a token are."""

from collections.abc import Mapping

from common.chain.abi import decode_text
from common.chain.client import PinnedChain
from common.chain.types import Call, CallResult
from wallet_worker.models import Movement, TokenId

MOST_BYTES = 2_048
_ERC721 = "0xc87b56dd"  # tokenURI(uint256)
_ERC1155 = "0x0e89341c"  # uri(uint256)


async def fetch_token_uris(
    pinned: PinnedChain, tokens: Mapping[TokenId, Movement]
) -> dict[TokenId, str | None]:
    """Ask `tokenURI` of ERC-721 and `uri` of ERC-1155 ids, given with a movement of each.

    Returns:
        None for a contract that does not say, or in more than 2,048 bytes.

    Raises:
        ChainError: The chain could not be read.
    """
    calls = [
        Call(contract, f"{_ERC1155 if each.standard == 'erc1155' else _ERC721}{token_id:064x}")
        for (contract, token_id), each in tokens.items()
    ]
    answers = await pinned.call_many(calls)
    return {token: _text(answer) for token, answer in zip(tokens, answers, strict=True)}


def _text(answer: CallResult) -> str | None:
    text = decode_text(answer, MOST_BYTES + 1)
    if text.value is None or text.is_bytes32 or len(text.value.encode()) > MOST_BYTES:
        return None
    return text.value
