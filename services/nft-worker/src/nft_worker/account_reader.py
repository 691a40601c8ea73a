"""Tells wallets from contracts, and smart-contract wallets from contracts that trade for others."""

from collections.abc import Iterable

from common.chain.client import PinnedChain
from common.chain.types import Address, Call
from nft_worker.analysis.code import is_contract, is_safe_proxy
from nft_worker.analysis.smart_wallets import is_smart_wallet

GET_OWNERS = "0xa0e67e2b"
GET_THRESHOLD = "0xe75235b8"
ENTRY_POINT = "0xb0d691fe"


async def fetch_contracts(pinned: PinnedChain, accounts: Iterable[Address]) -> frozenset[Address]:
    """Return those accounts that are contracts and nobody's wallet.

    A Safe (its proxy's code, or owners and a threshold that fit) and an ERC-4337 account (it names
    the entry point that it obeys) act for their owners: they stay wallets.

    Raises:
        ChainError: The chain could not be read.
    """
    ordered = sorted(set(accounts))
    codes = await pinned.fetch_codes(ordered)
    with_code = [
        account for account, code in codes.items() if is_contract(code) and not is_safe_proxy(code)
    ]
    answers = await pinned.call_many(
        [
            Call(account, question)
            for account in with_code
            for question in (GET_OWNERS, GET_THRESHOLD, ENTRY_POINT)
        ]
    )
    return frozenset(
        account
        for place, account in enumerate(with_code)
        if not is_smart_wallet(*answers[3 * place : 3 * place + 3])
    )
