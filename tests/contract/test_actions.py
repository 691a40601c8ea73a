"""Each action is complete: contract, worker, place to run, locks, tests and documentation."""

import importlib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from common.actions import ACTIONS, AnyAction
from common.documents import DOCUMENTS
from common.streams import due_stream, workers_group
from local_stack.services import WORKERS

CHECKOUT = Path(__file__).parents[2]

BY_NAME = pytest.mark.parametrize("action", ACTIONS.values(), ids=list(ACTIONS))


def missing_parts(action: AnyAction) -> Iterator[str]:
    """Name in a line each what is missing before `action` is complete."""
    folder = CHECKOUT / "services" / action.service
    package = action.service.replace("-", "_")
    yield from _missing_files(action, folder, package)
    if (folder / "pyproject.toml").exists():
        scripts = tomllib.loads((folder / "pyproject.toml").read_text())["project"].get("scripts")
        if scripts != {action.service: f"{package}.main:main"}:
            yield f"services/{action.service}/pyproject.toml: script {action.service}"
    if (folder / "src" / package / "main.py").exists():
        main = importlib.import_module(f"{package}.main")
        if not any(value is action for value in vars(main).values()):
            yield f"{package}.main does not run the action"
    yield from _missing_in_compose(action)
    yield from _missing_in_stack_and_checks(action, folder, package)
    yield from _missing_in_docs(action)


def _missing_files(action: AnyAction, folder: Path, package: str) -> Iterator[str]:
    for path in (
        folder / "pyproject.toml",
        folder / "README.md",
        folder / "src" / package / "__init__.py",
        folder / "src" / package / "py.typed",
        folder / "src" / package / "main.py",
        CHECKOUT / "requirements" / f"{action.service}.lock",
        CHECKOUT / "tests" / "unit" / package,
        CHECKOUT / "tests" / "integration" / package,
    ):
        if not path.exists():
            yield str(path.relative_to(CHECKOUT))


def _missing_in_compose(action: AnyAction) -> Iterator[str]:
    compose = CHECKOUT / "docker-compose.yml"
    services = yaml.safe_load(compose.read_text())["services"] if compose.exists() else {}
    if action.service not in services:
        yield f"docker-compose.yml: service {action.service}"
    elif services[action.service].get("build", {}).get("args") != {"SERVICE": action.service}:
        yield f"docker-compose.yml: service {action.service} with build argument SERVICE"


def _missing_in_stack_and_checks(action: AnyAction, folder: Path, package: str) -> Iterator[str]:
    """Wherever another worker is named, this one belongs too."""
    if action.service not in WORKERS:
        yield f"local/stack/src/local_stack/services.py: {action.service} among WORKERS"
    another = next(worker for worker in WORKERS if worker != action.service)
    beside = {another.replace("-", "_"): package}
    beside |= {f"services/{another}/src": f"services/{action.service}/src"}
    if (folder / "src" / package / "analysis").exists():
        beside |= {f"{another.replace('-', '_')}.analysis": f"{package}.analysis"}
    for where, names in _lists_of_packages():
        for one, mine in beside.items():
            if one in names and mine not in names:
                yield f"pyproject.toml: {mine} in {where}"


def _lists_of_packages() -> Iterator[tuple[str, list[str]]]:
    tool = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]
    yield "known-first-party", tool["ruff"]["lint"]["isort"]["known-first-party"]
    yield "mypy_path", tool["mypy"]["mypy_path"]
    yield "root_packages", tool["importlinter"]["root_packages"]
    for contract in tool["importlinter"]["contracts"]:
        for key in ("modules", "source_modules", "forbidden_modules"):
            yield f"{key} of {contract['name']!r}", contract.get(key, [])


def _missing_in_docs(action: AnyAction) -> Iterator[str]:
    if f"`{action.name}`" not in (CHECKOUT / "README.md").read_text():
        yield f"README.md: a line about `{action.name}`"
    asyncapi = json.loads((CHECKOUT / "docs/reference/asyncapi.json").read_text())
    if due_stream(action.name) not in asyncapi["channels"]:
        yield f"docs/reference/asyncapi.json: {due_stream(action.name)} (run `make docs`)"
    openapi = json.loads((CHECKOUT / "docs/reference/openapi.json").read_text())
    actions = openapi["components"]["schemas"]["JobRequest"]["properties"]["action"]["enum"]
    if action.name not in actions:
        yield f"docs/reference/openapi.json: {action.name} (run `make docs`)"


@BY_NAME
def test_nothing_of_an_action_is_missing(action: AnyAction) -> None:
    missing = list(missing_parts(action))

    assert not missing, f"action {action.name} lacks:\n  " + "\n  ".join(missing)


def test_an_action_with_nothing_but_a_contract_is_told_all_it_lacks() -> None:
    [some, *_] = ACTIONS.values()
    bare = replace(some, name="count_stars", service="star-worker")

    missing = "\n".join(missing_parts(bare))

    for part in (
        "services/star-worker/pyproject.toml",
        "services/star-worker/src/star_worker/__init__.py",
        "services/star-worker/src/star_worker/py.typed",
        "services/star-worker/src/star_worker/main.py",
        "requirements/star-worker.lock",
        "tests/unit/star_worker",
        "docker-compose.yml: service star-worker",
        "local_stack/services.py: star-worker among WORKERS",
        "pyproject.toml: star_worker in known-first-party",
        "pyproject.toml: services/star-worker/src in mypy_path",
        "pyproject.toml: star_worker in root_packages",
        "pyproject.toml: star_worker in modules of 'Services meet only",
        "pyproject.toml: star_worker in forbidden_modules of 'What is shared",
        "pyproject.toml: star_worker in source_modules of 'Workers know no",
        "README.md: a line about `count_stars`",
        "asyncapi.json: jobs.due.count_stars",
        "openapi.json: count_stars",
    ):
        assert part in missing


@BY_NAME
def test_a_contract_says_what_users_need_to_know(action: AnyAction) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", action.name)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*-worker", action.service)
    assert action.title
    assert action.description.endswith(".")
    assert action.default_interval_minutes > 0
    assert action.timeout_seconds > 0
    assert workers_group(action.name) == f"{action.name}-workers"


@BY_NAME
def test_a_payload_is_validated_strictly_and_named_in_camel_case(action: AnyAction) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        action.payload.model_validate({**action.example, "noSuchField": 1})
    for schema in (action.payload.model_json_schema(), action.result.model_json_schema()):
        for name in _property_names(schema):
            assert re.fullmatch(r"[a-z][a-zA-Z0-9]*", name), name


def _property_names(schema: dict[str, object]) -> Iterator[str]:
    for each in [schema, *(schema.get("$defs") or {}).values()]:  # type: ignore[attr-defined]  # JSON
        yield from each.get("properties", {})


@BY_NAME
def test_the_thresholds_of_a_contract_are_those_that_a_payload_may_name(action: AnyAction) -> None:
    defaults = action.thresholds().model_dump(by_alias=True, exclude_none=True)
    schema = action.payload.model_json_schema()

    assert bool(defaults) == ("thresholds" in _property_names(schema))
    for name, value in defaults.items():
        options = {**action.example.get("options", {}), "thresholds": {name: value}}
        action.payload.model_validate({**action.example, "options": options})


@BY_NAME
def test_results_have_a_collection_of_their_own(action: AnyAction) -> None:
    others = {other.results_collection for other in ACTIONS.values() if other is not action}

    assert action.results_collection not in others
    assert action.results_collection not in {model.Settings.name for model in DOCUMENTS}
