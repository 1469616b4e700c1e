"""The device as other programs see it over MQTT: its session, what it publishes, and which requests it answers."""
