"""The broker's address with password and certificates as they are now: they may be renewed while the agent runs."""

from __future__ import annotations

import logging
from pathlib import Path

from edge_agent.config import MqttSettings
from edge_agent.errors import ConfigError
from edge_agent.mqtt.endpoint import Broker

log = logging.getLogger(__name__)

_Marks = tuple[tuple[int, int, int] | None, ...]


class RenewedBroker:
    """Reads the files that the settings name again when they have changed.

    Args:
        settings: Name the broker, the password file and the certificates.

    Raises:
        ConfigError: The password file or a certificate cannot be used.
    """

    def __init__(self, settings: MqttSettings) -> None:
        self._settings = settings
        self._marks = self._refused = self._look()
        self._broker = Broker.from_settings(settings)

    def current(self) -> Broker:
        """What to connect with now. What was read last is used while the new files cannot be."""
        marks = self._look()
        if marks == self._marks:
            return self._broker
        try:
            self._broker = Broker.from_settings(self._settings)
        except ConfigError as error:
            if marks != self._refused:
                log.warning("the files for the broker have changed and cannot be used: %s", error)
            self._refused = marks
            return self._broker
        self._marks = marks
        log.info("password and certificates for the broker have changed; they were read again")
        return self._broker

    def _look(self) -> _Marks:
        tls = self._settings.tls
        of_tls = (tls.ca, tls.cert, tls.key) if tls.enabled else ()
        return tuple(_mark(name) for name in (self._settings.password_file, *of_tls))


def _mark(name: str) -> tuple[int, int, int] | None:
    """What differs once a file has been written; ``None`` where there is no file."""
    if not name:  # which would be the current folder
        return None
    try:
        found = Path(name).stat()
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
