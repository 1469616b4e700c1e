"""Fixtures for a messenger at a broker of the test's own."""

from tests.support.messaging import certificates, mosquitto, start_messenger

__all__ = ["certificates", "mosquitto", "start_messenger"]
