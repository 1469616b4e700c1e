"""Programs that try the agent for minutes or hours: rounds of faults, a long run, another processor."""
