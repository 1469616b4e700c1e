"""Tests of edge_agent.cli."""
