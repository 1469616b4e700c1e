"""What the commands do that have no package of their own: :mod:`edge_agent.cli` has their options and prints."""
