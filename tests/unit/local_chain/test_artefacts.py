import json

import pytest

from local_chain.compile import (
    LOCKED,
    SOURCES,
    VERSIONS,
    CompilationError,
    compile_contracts,
    compile_sources,
    source_of,
)
from local_chain.contracts import ARTEFACTS, CONTRACT_NAMES


@pytest.fixture(scope="module")
def compiled() -> dict[str, str]:
    return compile_contracts()


@pytest.mark.parametrize("name", CONTRACT_NAMES)
def test_the_shipped_artefact_is_what_the_source_compiles_to(
    name: str, compiled: dict[str, str]
) -> None:
    assert compiled[name] == (ARTEFACTS / f"{name}.json").read_text(encoding="utf-8")


def test_every_source_is_shipped_as_an_artefact() -> None:
    shipped = {path.name for path in ARTEFACTS.iterdir() if path.name.endswith(".json")}

    assert set(SOURCES.glob("*.sol")) == {source_of(name) for name in CONTRACT_NAMES}
    assert shipped == {f"{name}.json" for name in CONTRACT_NAMES}


def test_every_source_is_under_the_licence_of_the_project() -> None:
    for source in SOURCES.glob("*.sol"):
        assert source.read_text("utf-8").startswith("// SPDX-License-Identifier: MIT\n"), source


def test_compiler_and_library_are_the_locked_ones() -> None:
    locked = json.loads((LOCKED / "package-lock.json").read_text("utf-8"))["packages"]

    assert json.loads((LOCKED / "package.json").read_text("utf-8"))["dependencies"] == VERSIONS
    for name, version in VERSIONS.items():
        assert locked[f"node_modules/{name}"]["version"] == version
    assert all("integrity" in package for name, package in locked.items() if name)


def test_what_the_compiler_says_about_a_source_is_told() -> None:
    broken = {"Broken.sol": "pragma solidity ^0.8.27; contract Broken { Missing x; }"}

    with pytest.raises(CompilationError, match=r"Broken\.sol") as error:
        compile_sources(broken)
    assert "Identifier not found" in str(error.value)
