"""npm packages are what their lock says, or are not installed."""

import shutil
from pathlib import Path

import pytest

from local_stack.anvil_package import LOCKED, VERSIONS
from local_stack.errors import StackError
from local_stack.npm import has_packages, install_packages


def test_a_download_with_another_hash_is_refused(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    shutil.copytree(LOCKED, locked)
    lock = locked / "package-lock.json"
    lock.write_text(lock.read_text().replace("sha512-+Xm", "sha512-AAA").replace("-rcy", "-AAA"))
    with pytest.raises(StackError, match=r"anvil.*could not be installed.*EINTEGRITY"):
        install_packages(tmp_path / "made", VERSIONS, locked=locked)
    assert not has_packages(tmp_path / "made", VERSIONS)
