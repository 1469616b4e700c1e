"""How the agent is doing: the figures of a health report, and the same figures for Prometheus."""
