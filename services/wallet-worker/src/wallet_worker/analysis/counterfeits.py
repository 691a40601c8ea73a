"""Tokens that carry the symbol of a well-known one at another address."""

import unicodedata
from collections.abc import Collection, Mapping

from common.chain.chains import find_chain
from common.chain.types import Address, TokenMetadata
from common.results.envelope import Reason
from wallet_worker.analysis.prices import PriceFeed
from wallet_worker.analysis.spam import Suspicion

_LOOK_ALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u0458"
    "\u0432\u043d\u043a\u043c\u0442\u0501"
    "\u03b1\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03b2\u03b7",
    "aeopcyxisjbhkmtdaeiknoptyxbh",
)
"""Cyrillic and Greek letters that look like Latin ones in capitals or small, compared in small.

Source: Unicode Technical Standard 39, confusables.txt, as far as letters of symbols go.
"""


def official_symbols(feeds: Collection[PriceFeed], chain_id: int) -> dict[str, frozenset[Address]]:
    """Return the contracts that well-known symbols belong to; the native coin's to none."""
    officials: dict[str, frozenset[Address]] = {}
    chain = find_chain(chain_id)
    if chain is not None and not chain.is_testnet:
        officials[plain_symbol(chain.symbol)] = frozenset()
    for feed in feeds:
        if feed.symbol is not None and feed.token is not None:
            symbol = plain_symbol(feed.symbol)
            officials[symbol] = officials.get(symbol, frozenset()) | {feed.token}
    return officials


def counterfeit_suspicions(
    metadata: TokenMetadata, officials: Mapping[str, Collection[Address]]
) -> list[Suspicion]:
    """Return a suspicion for a token whose symbol is that of a well-known one elsewhere."""
    if not metadata.symbol:
        return []
    owners = officials.get(plain_symbol(metadata.symbol))
    if owners is None or metadata.address in owners:
        return []
    genuine = ", ".join(sorted(owners)) or "the native coin"
    detail = f"has the symbol of {genuine}: {metadata.symbol[:80]!r}"
    return [(Reason(code="counterfeit_symbol", detail=detail), 0.6)]


def plain_symbol(symbol: str) -> str:
    """Return a symbol as the eye reads it: without case, width, marks, and letters that deceive."""
    decomposed = unicodedata.normalize("NFKD", symbol).casefold().translate(_LOOK_ALIKES)
    return "".join(
        char for char in decomposed if unicodedata.category(char) not in ("Cf", "Mn", "Zs")
    )
