"""How the agent is doing: the statistics of a health report, and the same statistics for Prometheus."""
