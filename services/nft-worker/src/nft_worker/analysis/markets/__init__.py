"""Marketplace orders read from logs: one module a marketplace, no I/O."""
