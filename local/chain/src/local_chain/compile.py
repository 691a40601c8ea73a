"""Compiles the Solidity sources into the artefacts that the package ships.

For development, in a checkout: npm and the compiler are found by `local_stack`, on which nothing
else in this package depends. Run it after a change of a source: `python -m local_chain.compile`.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from local_chain.contracts import CONTRACT_NAMES
from local_stack.npm import find_nodejs, install_packages
from local_stack.paths import CHECKOUT, LOCAL

PACKAGE: Final = Path(__file__).parent
SOURCES: Final = PACKAGE.parents[1] / "contracts"
LOCKED: Final = CHECKOUT / "requirements" / "solc"
VERSIONS: Final = {"solc": "0.8.37", "@openzeppelin/contracts": "5.7.0"}
SETTINGS: Final = {
    "evmVersion": "cancun",  # the oldest that the library compiles for
    "optimizer": {"enabled": True, "runs": 200},
    "metadata": {"bytecodeHash": "none"},  # else a change of a comment changes the bytecode
    "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object"]}},
}


class CompilationError(Exception):
    """The compiler did not accept a source; its text is what the compiler said."""


def source_of(name: str) -> Path:
    """Return the source file of one of `CONTRACT_NAMES`: `bytes32_token` is Bytes32Token.sol."""
    return SOURCES / f"{name.title().replace('_', '')}.sol"


def compile_contracts() -> dict[str, str]:
    """Return the artefact of every contract as JSON text: compiler, source, abi and bytecode.

    Raises:
        CompilationError: The compiler reports an error or a warning.
        StackError: The compiler could not be installed.
        subprocess.CalledProcessError: The compiler did not run; it has written the reason to
            standard error.
    """
    sources = {name: source_of(name) for name in CONTRACT_NAMES}
    compiled = compile_sources({path.name: path.read_text("utf-8") for path in sources.values()})
    return {name: _artefact(path, compiled[path.name][path.stem]) for name, path in sources.items()}


def main() -> int:
    """Write every artefact anew and name those that changed."""
    for name, text in compile_contracts().items():
        target = PACKAGE / "artefacts" / f"{name}.json"
        changed = not target.exists() or target.read_text(encoding="utf-8") != text
        target.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{name}: {'changed' if changed else 'unchanged'}\n")
    return 0


def _artefact(source: Path, contract: dict[str, Any]) -> str:
    artefact = {
        "compiler": f"solc {VERSIONS['solc']}",
        "source": f"local/chain/contracts/{source.name}",
        "bytecode": "0x" + contract["evm"]["bytecode"]["object"],
        "abi": contract["abi"],
    }
    return json.dumps(artefact, indent=1) + "\n"


def compile_sources(sources: dict[str, str]) -> dict[str, Any]:
    """Return abi and bytecode by file and contract, of these texts by file name."""
    modules = install_packages(LOCAL / "compiler", VERSIONS, locked=LOCKED)
    question = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": SETTINGS,
    }
    done = subprocess.run(  # noqa: S603 (own arguments)
        [*find_nodejs().node, str(SOURCES / "compile.cjs"), str(modules)],
        input=json.dumps(question), check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    answer = json.loads(done.stdout)
    if answer.get("errors"):
        raise CompilationError("\n".join(each["formattedMessage"] for each in answer["errors"]))
    contracts: dict[str, Any] = answer["contracts"]
    return contracts


if __name__ == "__main__":
    sys.exit(main())
