"""The checked-in API documents are what the code says today."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from common.actions import ACTIONS
from common.actions.contract import Action

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def _printed_by(module: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", module], capture_output=True, text=True, check=True, timeout=120
    ).stdout


@pytest.mark.parametrize(
    ("module", "file"), [("gateway.openapi", "openapi.json"), ("common.asyncapi", "asyncapi.json")]
)
def test_a_reference_document_is_up_to_date(module: str, file: str) -> None:
    written = json.loads((REFERENCE / file).read_text())

    assert json.loads(_printed_by(module)) == written, (
        f"docs/reference/{file} is not what the code says: run `make docs` and commit the change"
    )


@pytest.mark.parametrize("file", ["openapi.json", "asyncapi.json"])
def test_every_reference_within_a_document_leads_somewhere(file: str) -> None:
    document = json.loads((REFERENCE / file).read_text())

    for reference in _references(document):
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            assert name in place, f"{reference} leads nowhere"
            place = place[name]


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_the_fields_of_each_result_are_described(action: Action[Any, Any]) -> None:
    schemas = json.loads((REFERENCE / "openapi.json").read_text())["components"]["schemas"]
    name = action.result.__name__

    assert {"$ref": f"#/components/schemas/{name}"} in schemas["ResultView"]["anyOf"]
    fields = {field.alias for field in action.result.model_fields.values()}
    assert schemas[name]["properties"].keys() == fields
    assert schemas[name].get("additionalProperties", True)  # those of ResultView stand beside them


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(reference := part.get("$ref"), str):
            yield reference
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)
