"""Tests of edge_agent.client."""
