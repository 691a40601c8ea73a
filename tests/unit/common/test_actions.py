"""The registry finds every action, and refuses two that would get in each other's way."""

import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from common.actions import ACTIONS, discover

MODULE = """
from common.actions.contract import Action, ActionPayload
from common.results.envelope import ActionResult

class Payload(ActionPayload):
    depth: int

TOY = Action(
    name={name!r}, title="t", description="d", service="s", payload=Payload, result=ActionResult,
    results_collection={collection!r}, default_interval_minutes=1, timeout_seconds=1,
    example={example!r},
)
"""


def write_package(folder: Path, name: str, **modules: tuple[str, str, object]) -> list[str]:
    """Write a package of actions (name, collection, depth of the example), return its path."""
    package = folder / name
    package.mkdir()
    (package / "__init__.py").touch()
    for module, (action, collection, depth) in modules.items():
        example = {} if depth is None else {"depth": depth}
        source = MODULE.format(name=action, collection=collection, example=example)
        (package / f"{module}.py").write_text(source)
    return [str(package)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from which packages can be imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_all_actions_are_there() -> None:
    assert set(ACTIONS) == {"wallet_snapshot", "analyze_coin_flows", "analyze_nft_movements"}
    for name, action in ACTIONS.items():
        assert action.name == name
        action.payload.model_validate(action.example)


def test_every_module_of_a_package_is_looked_at(folder: Path) -> None:
    path = write_package(folder, "two_toys", a=("one", "c1", 1), b=("other", "c2", 1))
    assert sorted(discover(path, "two_toys")) == ["one", "other"]


def test_an_action_that_another_module_imports_is_the_same_one(folder: Path) -> None:
    path = write_package(folder, "imported_toy", a=("one", "c1", 1))
    (folder / "imported_toy" / "b.py").write_text("from imported_toy.a import TOY\n")
    assert list(discover(path, "imported_toy")) == ["one"]


@pytest.mark.parametrize(
    ("package", "second"),
    [("same_name", ("one", "c2", 1)), ("same_collection", ("other", "c1", 1))],
)
def test_two_actions_of_one_name_or_collection_fail_loudly(
    folder: Path, package: str, second: tuple[str, str, object]
) -> None:
    path = write_package(folder, package, a=("one", "c1", 1), b=second)
    with pytest.raises(ValueError, match="clashes with 'one'"):
        discover(path, package)


def test_an_action_whose_example_is_wrong_cannot_be_imported(folder: Path) -> None:
    path = write_package(folder, "wrong_example", a=("one", "c1", None))
    with pytest.raises(ValidationError, match="depth"):
        discover(path, "wrong_example")


def test_a_module_that_cannot_be_imported_is_not_passed_over(folder: Path) -> None:
    path = write_package(folder, "broken_module")
    (folder / "broken_module" / "a.py").write_text("import a_module_that_does_not_exist\n")
    with pytest.raises(ModuleNotFoundError):
        discover(path, "broken_module")
    assert "broken_module.a" not in sys.modules
