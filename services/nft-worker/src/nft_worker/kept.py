"""What a run keeps for the next one: transactions of a collection, as records and as documents."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from common.chain.transfers import Erc20Transfer, NftTransfer
from nft_worker.analysis.markets.fills import Fill, Item
from nft_worker.models import PaidTransaction

FORMAT = 3
"""Of the documents: what was kept in another format is not looked at, and read again."""


class KeptTransaction(NamedTuple):
    """One transaction that moved tokens of a collection; all of it, so that it is read once.

    A tuple, as `Log` is.

    Attributes:
        seconds: Unix seconds of its block.
        logs: Transfer logs of the collection in it.
        undecodable: Those of them that are malformed.
        transfers: What they moved.
        payment: What else moved; None where nothing in it can be a sale.
    """

    hash: str
    block_number: int
    transaction_index: int
    seconds: int
    logs: int
    undecodable: int
    transfers: tuple[NftTransfer, ...]
    payment: PaidTransaction | None


def document_of(kept: KeptTransaction) -> dict[str, Any]:
    """Return the fields of a transaction's document; amounts and token ids are decimal strings."""
    payment = kept.payment
    return {
        "hash": kept.hash,
        "block": kept.block_number,
        "index": kept.transaction_index,
        "seconds": kept.seconds,
        "logs": kept.logs,
        "undecodable": kept.undecodable,
        "tokens": sorted({str(move.token_id) for move in kept.transfers}),
        "transfers": [_of_move(move) for move in kept.transfers],
        "payment": None
        if payment is None
        else {
            "sender": payment.sender,
            "value": str(payment.value_wei),
            "erc20": [
                [leg.contract, leg.sender, leg.recipient, str(leg.amount), leg.log_index]
                for leg in payment.erc20
            ],
            "nfts": None  # mostly a transaction moves tokens of one collection
            if payment.nfts == kept.transfers
            else [_of_move(move) for move in payment.nfts],
            "fills": [_of_fill(fill) for fill in payment.fills],
            "lender": payment.lender,
        },
    }


def transaction_of(document: dict[str, Any]) -> KeptTransaction:
    """Return the transaction that a document describes."""
    place = (document["block"], document["hash"], document["index"])
    payment = document["payment"]
    transfers = _moves(document["transfers"], place)
    return KeptTransaction(
        hash=document["hash"],
        block_number=document["block"],
        transaction_index=document["index"],
        seconds=document["seconds"],
        logs=document["logs"],
        undecodable=document["undecodable"],
        transfers=transfers,
        payment=None
        if payment is None
        else PaidTransaction(
            sender=payment["sender"],
            value_wei=int(payment["value"]),
            erc20=tuple(
                Erc20Transfer(contract, sender, recipient, int(amount), *place, log_index)
                for contract, sender, recipient, amount, log_index in payment["erc20"]
            ),
            nfts=transfers if payment["nfts"] is None else _moves(payment["nfts"], place),
            fills=tuple(
                Fill(
                    marketplace,
                    log_index,
                    tuple(Item(contract, int(token_id)) for contract, token_id in items),
                    currency,
                    None if price is None else int(price),
                )
                for marketplace, log_index, items, currency, price in payment["fills"]
            ),
            lender=payment["lender"],
        ),
    )


def _of_move(move: NftTransfer) -> list[Any]:
    return [
        *(move.contract, move.standard, move.operator, move.sender, move.recipient),
        *(str(move.token_id), str(move.amount), move.log_index, move.batch_index),
    ]


def _moves(rows: Iterable[Sequence[Any]], place: tuple[int, str, int]) -> tuple[NftTransfer, ...]:
    return tuple(
        NftTransfer(
            contract,
            standard,
            operator,
            sender,
            recipient,
            int(token_id),
            int(amount),
            *place,
            log_index,
            batch_index,
        )
        for (
            contract,
            standard,
            operator,
            sender,
            recipient,
            token_id,
            amount,
            log_index,
            batch_index,
        ) in rows
    )


def _of_fill(fill: Fill) -> list[Any]:
    return [
        fill.marketplace,
        fill.log_index,
        [[item.contract, str(item.token_id)] for item in fill.items],
        fill.currency,
        None if fill.price is None else str(fill.price),
    ]
