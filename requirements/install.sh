#!/bin/sh
# Make .venv: exactly what dev.lock pins, each file checked against its hash, and the workspace's
# own members, editable. Nothing outside the checkout is changed.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "setup: $*" >&2
    exit 1
}

usable="import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"
with_venv="import ensurepip, venv"
python=""
without_venv=""
# A candidate is tried by running it: a version manager's placeholder exists and does not run.
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    "$candidate" -c "$usable" >/dev/null 2>&1 || continue
    if "$candidate" -c "$with_venv" >/dev/null 2>&1; then
        python=$candidate
        break
    fi
    without_venv=${without_venv:-$candidate}
done
if [ -z "$python" ] && [ -n "$without_venv" ]; then
    fail "$without_venv lacks the modules venv and ensurepip: install them" \
        "(on Debian and Ubuntu: apt-get install python3-venv)"
elif [ -z "$python" ]; then
    fail "no Python 3.11, 3.12 or 3.13 found: install one, or name it: make setup PYTHON=/path/to/python3"
fi

if ! .venv/bin/python -c "$usable" >/dev/null 2>&1; then
    echo "setup: making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv || fail "$python could not make .venv"
fi
if ! .venv/bin/uv --version >/dev/null 2>&1; then
    echo "setup: installing uv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        --requirement requirements/bootstrap.lock || fail "pip could not install uv: check the network"
fi

echo "setup: installing what requirements/dev.lock pins"
members=.venv/members.txt
for file in libs/*/pyproject.toml services/*/pyproject.toml local/*/pyproject.toml; do
    echo "-e ./$(dirname "$file")"
done >"$members"
# Compiled now, or every process would do it at its start where Python may not write into packages.
UV_PYTHON_DOWNLOADS=never .venv/bin/uv pip sync --quiet --compile-bytecode --python .venv/bin/python \
    requirements/dev.lock "$members" || fail "uv could not install the packages: check the network"
