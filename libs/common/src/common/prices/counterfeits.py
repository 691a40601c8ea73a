"""Tokens that carry the symbol of a well-known one at another address."""

import unicodedata
from collections.abc import Collection, Mapping

from common.chain.chains import find_chain
from common.chain.types import Address, TokenMetadata
from common.prices.price import PriceFeed
from common.results.envelope import Reason

_LOOK_ALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u0458"
    "\u0432\u043d\u043a\u043c\u0442\u0501"
    "\u03b1\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03b2\u03b7",
    "aeopcyxisjbhkmtdaeiknoptyxbh",
)
"""Cyrillic and Greek letters that look like Latin ones in capitals or small, compared in small.

Source: Unicode Technical Standard 39, confusables.txt, as far as letters of symbols go.
"""


_COINS_AS_TOKENS = {
    10: frozenset({Address("0xdeaddeaddeaddeaddeaddeaddeaddeaddead0000")}),
    137: frozenset({Address("0x0000000000000000000000000000000000001010")}),
    324: frozenset({Address("0x000000000000000000000000000000000000800a")}),
    42220: frozenset({Address("0x471ece3750da237f93b8e339c536989b8978a438")}),
}
"""Contracts of the chains themselves by which their coin can be used as a token."""

_BRIDGED = {
    10: {"usdc": Address("0x7f5c764cbc14f9669b88837ca1490cca17c31607")},
    42161: {"usdc": Address("0xff970a61a04b1ca14834a43f5de4533ebddb5cc8")},
}
"""Tokens that came over a chain's own bridge before the issuer's, and bear its symbol: USDC.e,
which calls itself USDC on Optimism, and did on Arbitrum. Source: public token lists, which name
these addresses USDC or USDC.e.
"""


def official_symbols(feeds: Collection[PriceFeed], chain_id: int) -> dict[str, frozenset[Address]]:
    """Return the contracts that well-known symbols belong to; the native coin's mostly to none."""
    officials: dict[str, frozenset[Address]] = {}
    chain = find_chain(chain_id)
    if chain is not None and not chain.is_testnet:
        officials[plain_symbol(chain.symbol)] = _COINS_AS_TOKENS.get(chain_id, frozenset())
    for feed in feeds:
        if feed.symbol is not None and feed.token is not None:
            symbol = plain_symbol(feed.symbol)
            officials[symbol] = officials.get(symbol, frozenset()) | {feed.token}
    for symbol, bridged in _BRIDGED.get(chain_id, {}).items():
        officials[symbol] = officials.get(symbol, frozenset()) | {bridged}
    return officials


def counterfeit_reason(
    metadata: TokenMetadata, officials: Mapping[str, Collection[Address]]
) -> Reason | None:
    """Return why a token is a counterfeit: its symbol or name is a well-known symbol elsewhere."""
    for kind, text in (("symbol", metadata.symbol), ("name", metadata.name)):
        owners = officials.get(plain_symbol(text)) if text else None
        if text and owners is not None and metadata.address not in owners:
            genuine = ", ".join(sorted(owners)) or "the native coin"
            detail = f"its {kind} {text[:80]!r} is the symbol of {genuine}"
            return Reason(code="counterfeit_symbol", detail=detail)
    return None


def plain_symbol(symbol: str) -> str:
    """Return a symbol as the eye reads it: without case, width, marks, and letters that deceive."""
    decomposed = unicodedata.normalize("NFKD", symbol).casefold().translate(_LOOK_ALIKES)
    return "".join(
        char for char in decomposed if unicodedata.category(char) not in ("Cf", "Mn", "Zs")
    )
