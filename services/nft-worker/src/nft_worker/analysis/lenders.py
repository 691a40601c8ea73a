"""Flash loans told by the events of the lenders: a loan given and paid back in one transaction.

Events: from the contracts of the lenders. Addresses, each looked up again in public sources: Aave 1
to 3 in bgd-labs/aave-address-book (`AaveV1.sol`, `AaveAddressBookV2.sol`) and in contracts that
borrow there; dYdX in dydxprotocol/solo, `migrations/deployed.json`; Maker's two flash mint modules,
one after the other `MCD_FLASH`, in spells of Maker and its documentation of the module; Balancer's
vault and Morpho in contracts and lists of many who use them. A flash swap of Uniswap 2 has no event
of its own and is not told.
"""

from collections.abc import Iterable
from typing import Final

from common.chain.types import Address, Log

AAVE_1_LOAN = "0x5b8f46461c1dd69fb968f1a003acee221ea3e19540e350233b612ddb43433b55"
AAVE_2_LOAN = "0x631042c832b07452973831137f2d73e395028b44b250dedc5abb0ee766e168ac"
AAVE_3_LOAN = "0xefefaba5e921573100900a3ad9cf29f222d995fb3b6045797eaea7521bd8d6f0"
BALANCER_LOAN = "0x0d7d75e01ab95780d3cd1c8ec0dd6c2ce19e3a20427eec8bf53283b6fb8e95f0"
"""Also Maker's: `FlashLoan(address,address,uint256,uint256)`."""
MAKER_VAT_LOAN = "0xbca56acc64a74a4c131755895cf7f72fc3f9e39af64241f7ad0f77e86f41ada9"
MORPHO_LOAN = "0xc76f1b4fe4396ac07a9fa55a415d4ca430e72651d37d3401f3bed7cb13fc4f12"
DYDX_CALL = "0xab38cdc4a831ebe6542bf277d36b65dbc5c66a4d03ec6cf56ac38de05dc30098"
"""`LogCall`: the callback between a withdrawal and a deposit, which is how Solo lends."""
UNISWAP_3_FLASH = "0xbdbdb71d7860376ba52b25a5028beea23581364a40522f6bcfb86bb1f2dca633"

_BY_CONTRACT: Final = {
    (Address(address), topic): name
    for name, topic, addresses in (
        ("Aave 1", AAVE_1_LOAN, ("0x398ec7346dcd622edc5ae82352f02be94c62d119",)),
        ("Aave 2", AAVE_2_LOAN, ("0x7d2768de32b0b80b7a3454c06bdac94a69ddc7a9",)),
        (
            "Aave 3",
            AAVE_3_LOAN,
            (
                "0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2",  # Ethereum
                "0x794a61358d6845594f94dc1db02a252b5b4814ad",  # Arbitrum, Optimism, Polygon
                "0xa238dd80c259a72e81d7e4664a9801593f98d1c5",  # Base
            ),
        ),
        ("Balancer 2", BALANCER_LOAN, ("0xba12222222228d8ba445958a75a0704d566bf2c8",)),
        (
            "Maker",
            BALANCER_LOAN,
            (
                "0x1eb4cf3a948e7d72a198fe073ccb8c7a948cd853",
                "0x60744434d6339a6b27d73d9eda62b6f66a0a04fa",
            ),
        ),
        (
            "Maker",
            MAKER_VAT_LOAN,
            (
                "0x1eb4cf3a948e7d72a198fe073ccb8c7a948cd853",
                "0x60744434d6339a6b27d73d9eda62b6f66a0a04fa",
            ),
        ),
        ("Morpho", MORPHO_LOAN, ("0xbbbbbbbbbb9cc5e90e3b3af64bdaf62c37eeffcb",)),
        ("dYdX", DYDX_CALL, ("0x1e0447b19bb6ecfdae1e4ae1694b0c3659614e4e",)),
    )
    for address in addresses
}


def find_lender(logs: Iterable[Log]) -> str | None:
    """Return who gave a flash loan in a transaction; None where no known lender did.

    The lenders' own contracts are believed. Of Uniswap 3 every pool lends, and there are too many
    to name: its event is believed wherever it comes from.

    Args:
        logs: All of the transaction.
    """
    for log in logs:
        topic = log.topics[0] if log.topics else ""
        lender = _BY_CONTRACT.get((log.address, topic))
        if lender is not None:
            return lender
        if topic == UNISWAP_3_FLASH and len(log.topics) == 3:
            return "Uniswap 3"
    return None
