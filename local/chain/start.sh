#!/bin/sh
# Run a development chain with planted traffic; ready when /tmp/seeded exists.
set -eu
rm -f /tmp/seeded
anvil --host 0.0.0.0 --port 8545 --chain-id 31337 --slots-in-an-epoch 1 --quiet &
node=$!
trap 'kill "$node" 2>/dev/null' EXIT
trap 'exit 0' INT TERM
until python -m local_chain seed --rpc-url http://127.0.0.1:8545 --out /tmp/scenario.json; do
    kill -0 "$node" || exit 1
    sleep 0.5
done
touch /tmp/seeded
python -m local_chain traffic --rpc-url http://127.0.0.1:8545 &
wait "$node"
