"""Tests of edge_agent.messaging."""
