"""The connection to a broker: where it is, how it is opened, what happens on it."""
