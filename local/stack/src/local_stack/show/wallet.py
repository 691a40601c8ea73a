"""What a wallet holds."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.markup import escape

from local_stack.show.formats import ROWS_SHOWN, amount, named, remainder, short, table


def show_wallet(result: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield balance, tokens, NFTs and transfers of a `wallet_snapshot` result."""
    native, totals = result["native"], result["totals"]
    yield (
        f"Wallet {result['wallet']['address']} holds "
        f"[bold]{amount(native['balance'], native['symbol'] or 'of the native coin')}[/]"
    )
    tokens = [token for token in result["tokens"] or [] if not token["spam"]["isSpam"]]
    if tokens:
        shown = table("Tokens", "token", "balance", "contract", "transfers", right=("balance",))
        for token in tokens[:ROWS_SHOWN]:
            shown.add_row(
                named(token),
                amount(token["balance"]),
                short(token["contractAddress"]),
                str(token["transferCount"]),
            )
        yield shown
        yield from remainder(ROWS_SHOWN, len(tokens), "tokens")
    nfts = result["nfts"] or []
    if nfts:
        shown = table("NFTs", "collection", "id", "quantity", "standard", right=("quantity",))
        for nft in nfts[:ROWS_SHOWN]:
            token_id = nft["tokenId"]
            shown.add_row(
                escape(nft["collectionName"] or short(nft["contractAddress"])),
                f"#{token_id}",
                nft["balanceRaw"],
                nft["standard"],
            )
        yield shown
        yield from remainder(ROWS_SHOWN, result["nftsTotal"] or len(nfts), "NFTs")
    if totals["tokenTransfers"] is not None:
        yield (
            f"{totals['tokenTransfers']} token transfers, "
            f"{totals['poisoningSuspects'] or 0} of them meant to poison its history"
        )
