"""A local EVM chain with real contracts and known traffic."""
