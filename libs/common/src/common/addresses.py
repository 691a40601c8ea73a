"""EVM addresses as users write them: any case is accepted, lower case is what we keep."""

import re
from collections.abc import Iterator
from typing import Annotated, Any

from eth_utils.address import to_checksum_address
from pydantic import AfterValidator, WithJsonSchema

_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}")


def normalize_address(value: str) -> str:
    """Return `value` as lower-case `0x` + 40 hex digits.

    Raises:
        ValueError: It is not an EVM address. A wrong EIP-55 checksum is not an error (see
            `checksum_mismatches`).
    """
    if not _ADDRESS.fullmatch(value):
        raise ValueError(f"expected an address of 0x and 40 hex digits, got {value[:80]!r}")
    return value.lower()


EvmAddress = Annotated[
    str,
    AfterValidator(normalize_address),
    WithJsonSchema(
        {"type": "string", "pattern": "^0[xX][0-9a-fA-F]{40}$", "description": "EVM address"}
    ),
]


def has_checksum_mismatch(address: str) -> bool:
    """Tell whether a mixed-case `address` disagrees with its EIP-55 checksum.

    All-lower and all-upper digits carry no checksum, so they never mismatch.
    Source: EIP-55, mixed-case checksum address encoding.
    """
    digits = address[2:]
    if digits in (digits.lower(), digits.upper()):
        return False
    return to_checksum_address(address.lower())[2:] != digits


def checksum_mismatches(document: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield (field path, address) for each address in a JSON `document` with a wrong checksum."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from checksum_mismatches(value, f"{path}.{key}" if path else str(key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from checksum_mismatches(value, f"{path}[{index}]")
    elif (
        isinstance(document, str)
        and _ADDRESS.fullmatch(document)
        and has_checksum_mismatch(document)
    ):
        yield path, document
