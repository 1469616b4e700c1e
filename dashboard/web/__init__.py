"""The pages, as a browser gets them: rendered here, and kept up to date by server-sent events."""
