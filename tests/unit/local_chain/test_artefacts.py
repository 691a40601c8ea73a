import pytest

from local_chain.compile import SOURCES, compile_contract
from local_chain.contracts import ARTEFACTS, CONTRACT_NAMES


@pytest.mark.parametrize("name", CONTRACT_NAMES)
def test_the_shipped_artefact_is_what_the_source_compiles_to(name: str) -> None:
    shipped = (ARTEFACTS / f"{name}.json").read_text(encoding="utf-8")

    assert compile_contract(name) == shipped


def test_every_source_is_shipped_as_an_artefact() -> None:
    assert sorted(path.stem for path in SOURCES.glob("*.vy")) == sorted(CONTRACT_NAMES)
