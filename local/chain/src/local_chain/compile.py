"""Compiles the Vyper sources into the artefacts that the package ships.

Needs vyper and snekmate from the development dependencies; nothing else in the package does.
Run it after a change of a source: `python -m local_chain.compile`.
"""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from local_chain.contracts import CONTRACT_NAMES

PACKAGE = Path(__file__).parent
SOURCES = PACKAGE.parents[1] / "contracts"


def compile_contract(name: str) -> str:
    """Return the artefact of one contract as JSON text: compiler, source, abi and bytecode.

    Raises:
        subprocess.CalledProcessError: vyper is not installed, or does not accept the source; it
            has written the reason to standard error.
    """
    abi, bytecode = _run_vyper("-f", "abi,bytecode", str(SOURCES / f"{name}.vy")).splitlines()
    artefact = {
        "compiler": f"vyper {version('vyper')}",
        "source": f"local/chain/contracts/{name}.vy",
        "bytecode": bytecode,
        "abi": json.loads(abi),
    }
    return json.dumps(artefact, indent=1) + "\n"


def main() -> int:
    """Write every artefact anew and name those that changed."""
    for name in CONTRACT_NAMES:
        target = PACKAGE / "artefacts" / f"{name}.json"
        text = compile_contract(name)
        changed = not target.exists() or target.read_text(encoding="utf-8") != text
        target.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{name}: {'changed' if changed else 'unchanged'}\n")
    return 0


def _run_vyper(*arguments: str) -> str:
    command = [sys.executable, "-m", "vyper.cli.vyper_compile", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 (own arguments)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
