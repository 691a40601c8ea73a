"""Finds due jobs, emits them, and applies the outcomes."""
