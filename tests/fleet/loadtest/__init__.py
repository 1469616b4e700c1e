"""Mirrors ``fleet.loadtest``."""
