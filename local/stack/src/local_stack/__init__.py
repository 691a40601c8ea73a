"""Runs every service and its servers on one machine without containers."""
