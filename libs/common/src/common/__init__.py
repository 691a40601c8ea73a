"""Contracts, events, streams, documents, the worker runtime and chain access of Job Runner."""
