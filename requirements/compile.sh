#!/bin/sh
# Compile the lock files: hashed, for every platform, without the address of any package index.
# Pins stay as they are where they still fit; arguments go to uv: `compile.sh --upgrade` moves them.
# LOCKS names another directory to work in, with a copy of the lock files.
set -eu
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
locks=${LOCKS:-requirements}

members=""
for file in libs/*/pyproject.toml services/*/pyproject.toml local/*/pyproject.toml; do
    name=$(sed -n 's/^name = "\(.*\)"$/\1/p' "$file" | head -n 1)
    members="$members --no-emit-package $name"
done

# shellcheck disable=SC2086  # the list of members is meant to be split
lock() {
    output=$1
    shift
    "$uv" pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
        --python-version 3.11 $members "$@" --output-file "$locks/$output"
}

# Everything for development, tests and the local stack; all other locks agree with it.
lock dev.lock "$@" --all-extras --group dev \
    libs/*/pyproject.toml services/*/pyproject.toml local/*/pyproject.toml
lock nodejs.lock "$@" requirements/nodejs.in
echo uv | lock bootstrap.lock --constraints "$locks/dev.lock" -
# One for each image.
for folder in services/*/ local/chain/; do
    lock "$(basename "$folder").lock" --constraints "$locks/dev.lock" "${folder}pyproject.toml"
done
