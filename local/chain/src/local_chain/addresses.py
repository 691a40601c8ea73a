"""Who and what lives on the chain. Every address is a constant, so examples can name it."""

from eth_utils.crypto import keccak

CHAIN_ID = 31337

# The two addresses of the contract's example bodies, word for word.
FLOW = "0x7fa7677c6708f0cd07724d61bfdc6be6bb15d2e7"
WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"

# The canonical address of Multicall3 on nearly every chain.
MULTICALL3 = "0xca11bde05977b3631167028862be2a173976ca11"

STABLE = "0x96b0eda2528fa8bbdf35864bf807c1f649746ab8"
BYTES32_COIN = "0x6b7f1a2f26c8aa664694fe01c1d090f70876b2e1"
WETH = "0x7e1a339fc56472ce5d1a8d485fec760e0a2103a7"
FORMER_COIN = "0x5ef3bd4005d167c2736ea0842afc3b6e7de995c6"
COLLECTION = "0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d"
EDITIONS = "0x39a67f1f3c3e5088447450313bd03c45e58b1ef2"
MARKETPLACE = "0x2f313dd9cbbbd96645efd0b44c7861d99773f007"
VAULT = "0x35d074c05ef1aa36a763be098e8b82afc693c979"

# Holds no contract: the facts of a seeded chain are kept as its code, so that a second
# seeding finds them.
FACTS = "0xfa2591c3b7684181eb495bc7872960aa02a5c630"

CONTRACTS = {
    "flow": FLOW,
    "stable": STABLE,
    "bytes32_coin": BYTES32_COIN,
    "weth": WETH,
    "former_coin": FORMER_COIN,
    "collection": COLLECTION,
    "editions": EDITIONS,
    "marketplace": MARKETPLACE,
    "vault": VAULT,
    "multicall3": MULTICALL3,
}


def account(name: str) -> str:
    """Return the lower-case address of a named actor; nobody has its key, anvil impersonates it."""
    return "0x" + keccak(text=f"job-runner local chain: {name}")[-20:].hex()


def look_alike(address: str) -> str:
    """Return another address with the same first four and last four hex digits."""
    middle = keccak(text=f"look-alike of {address}")[:16].hex()
    return f"{address[:6]}{middle}{address[-4:]}"


def numbered_accounts(role: str, count: int) -> tuple[str, ...]:
    """Return the addresses of `<role> 1` to `<role> <count>`."""
    return tuple(account(f"{role} {number}") for number in range(1, count + 1))


CREATOR = account("creator")
FRIEND = account("friend")
SECOND_FRIEND = account("second friend")
FRIEND_LOOK_ALIKE = look_alike(FRIEND)
POISONER = account("poisoner")
WHALES = numbered_accounts("whale", 4)
SMALL_HOLDERS = numbered_accounts("small holder", 150)
COLLECTORS = numbered_accounts("collector", 40)
