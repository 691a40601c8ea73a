#!/bin/sh
# Fail when the lock files are not what compile.sh makes of the present pyproject files.
set -eu
cd "$(dirname "$0")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
cp requirements/*.lock "$fresh"
if ! LOCKS=$fresh requirements/compile.sh 2>"$fresh/errors"; then
    if grep -qE 'client error \(Connect\)|operation timed out' "$fresh/errors"; then
        echo "The lock files were not checked: the package index cannot be reached."
        exit 0
    fi
    cat "$fresh/errors" >&2
    exit 1
fi
for lock in requirements/*.lock; do
    if ! diff -q "$lock" "$fresh/$(basename "$lock")" >/dev/null; then
        echo "$lock is out of date: run \`make lock\` and commit what it changes" >&2
        exit 1
    fi
done
echo "The lock files are up to date."
