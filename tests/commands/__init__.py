"""Tests of edge_agent.commands."""
