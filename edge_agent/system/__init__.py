"""The machine under the agent: data folders, service manager, board, status LED, time zone, logging."""
