"""The agent under faults: real processes, a real broker, and a checker that compares both ends."""
