"""Mirrors ``edge_agent.fleet.scale``."""
