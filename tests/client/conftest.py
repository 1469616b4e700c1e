"""A broker, an agent's messaging and a dashboard that share it."""

from tests.messaging.conftest import mosquitto, start_messenger

__all__ = ["mosquitto", "start_messenger"]
