"""The machine under the agent: data folders, service manager, hardware status, status LED, time zone, logging."""
