#!/bin/sh
# Run a development chain with planted traffic; ready when /tmp/seeded exists.
set -eu
rm -f /tmp/seeded
# shellcheck disable=SC2046  # a list of arguments, meant to be split
anvil --host 0.0.0.0 --port 8545 --quiet \
    $(python -c 'from local_chain.anvil import ANVIL_ARGUMENTS as a; print(*a)') &
node=$!
trap 'kill "$node" 2>/dev/null' EXIT
trap 'exit 0' INT TERM
tries=0
until python -m local_chain seed --rpc-url http://127.0.0.1:8545 --out /tmp/scenario.json; do
    tries=$((tries + 1))
    [ "$tries" -lt 20 ] || exit 1
    kill -0 "$node" || exit 1
    sleep 0.5
done
touch /tmp/seeded
python -m local_chain traffic --rpc-url http://127.0.0.1:8545 &
wait "$node"
