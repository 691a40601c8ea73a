"""npm packages are what their lock says, or are not installed."""

import shutil
from pathlib import Path

import pytest

from local_stack.anvil_package import LOCKED, VERSIONS
from local_stack.errors import StackError
from local_stack.npm import has_packages, install_packages


def _locked_with(wrong: str, directory: Path) -> Path:
    """Copy the lock with another hash in the place of the one that begins like `wrong`."""
    locked = directory / "locked"
    shutil.copytree(LOCKED, locked)
    lock = locked / "package-lock.json"
    text = lock.read_text()
    assert wrong in text
    lock.write_text(text.replace(wrong, "sha512-AAAA"))
    return locked


def test_a_download_with_another_hash_is_refused(tmp_path: Path) -> None:
    locked = _locked_with("sha512-rcy+", tmp_path)
    with pytest.raises(StackError, match=r"anvil.*could not be installed.*EINTEGRITY"):
        install_packages(tmp_path / "made", VERSIONS, locked=locked)
    assert not has_packages(tmp_path / "made", VERSIONS)


def test_a_platform_binary_with_another_hash_is_left_out(tmp_path: Path) -> None:
    locked = _locked_with("sha512-+Xms", tmp_path)
    modules = install_packages(tmp_path / "made", VERSIONS, locked=locked)
    assert list(modules.glob("@foundry-rs/anvil-*/bin/anvil")) == []
