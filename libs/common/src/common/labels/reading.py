"""Who owns an address: the labels that come with this package, and those of the configuration."""

import csv
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from pydantic import TypeAdapter

from common.addresses import EvmAddress
from common.chain.types import Address
from common.labels.label import KINDS, Label
from common.settings import LabelSettings

_address = TypeAdapter(EvmAddress)

Labels = dict[int, dict[Address, Label]]
"""Labels by chain id and address."""


@cache
def load_labels() -> Labels:
    """Return all labels; read once in the life of a process.

    Raises:
        ValueError: The configured file is malformed.
        OSError: It cannot be read.
    """
    labels = parse_labels(
        files("common.labels").joinpath("mainnet.csv").read_text().splitlines(), "mainnet.csv"
    )
    more = LabelSettings().address_labels_file
    if more is not None:
        for chain_id, own in parse_labels(more.read_text().splitlines(), str(more)).items():
            labels.setdefault(chain_id, {}).update(own)
    return labels


def parse_labels(lines: Iterable[str], source: str) -> Labels:
    """Return the labels of a CSV file with the columns chainId, address, kind and name.

    Raises:
        ValueError: A row is malformed; the message names it.
    """
    labels: Labels = {}
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            kind = next(kind for kind in KINDS if kind == row["kind"])
            address = Address(_address.validate_python(row["address"]))
            label = Label(kind, row["name"])
            labels.setdefault(int(row["chainId"]), {})[address] = label
        except (KeyError, StopIteration, TypeError, ValueError) as error:
            raise ValueError(
                f"{source}, line {number}: expected chainId,address,kind,name with a kind of "
                f"{', '.join(KINDS)}, got {row}"
            ) from error
    return labels
