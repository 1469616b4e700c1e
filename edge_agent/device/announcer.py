"""When a device announces itself: on each connection, and where a message says wrongly that it is offline."""

from __future__ import annotations

import logging

from edge_agent.device.device_session import DeviceSession
from edge_agent.device.duplicate_ids import DuplicateIdDetector
from edge_agent.device.health_reports import HealthReports
from edge_agent.device.retained_status import RetainedStatus
from edge_agent.errors import InputError
from edge_agent.mqtt.events import Received
from edge_agent.protocol.messages import Status, decode
from edge_agent.protocol.topics import Topics

log = logging.getLogger(__name__)


class Announcer:
    """Keeps the device's retained status correct. Its methods are called on the publisher's thread.

    Args:
        topics: The device's topics.
        session: The current session.
        status: Birth and death.
        health: The reports.
        duplicate_ids: Finds other devices with this one's id.
    """

    def __init__(
        self,
        topics: Topics,
        session: DeviceSession,
        status: RetainedStatus,
        health: HealthReports,
        duplicate_ids: DuplicateIdDetector,
    ) -> None:
        self._topics, self._session = topics, session
        self._status, self._health, self._duplicate_ids = status, health, duplicate_ids

    def announce(self) -> bool:
        """Publish birth and health on a new connection, once the device's own retained status has been read.

        Returns:
            ``False`` where the broker remembers a later session. Then a still later one has begun, and the device has
            to connect anew with another will.
        """
        latest = self._duplicate_ids.latest
        if latest > self._session.id:
            log.warning(
                "the broker remembers session %s of this device, later than %s: the clock was behind or the device was "
                "set up anew. A new session begins",
                latest,
                self._session.id,
            )
            self._session.begin_after(latest)
            return False
        self._duplicate_ids.connected(self._session.id)
        self._status.publish()
        self._health.publish_again()
        return True

    def status_received(self, message: Received) -> None:
        """A message on the device's own status topic has come in."""
        try:
            status = decode(message.payload, Status)
        except InputError as error:
            log.warning("a message on this device's own status topic is ignored: %s", error)
            return
        verdict = self._duplicate_ids.saw(status, retained=message.retained)
        if verdict.duplicate:
            self._log_duplicate()
        if verdict.wrong:
            self._status.publish()

    def taken_over(self) -> None:
        """Another connection with this device's client id has taken its place."""
        self._duplicate_ids.seen()
        self._log_duplicate()

    def _log_duplicate(self) -> None:
        log.error(
            "another device uses the id %s/%s. Give each device its own device.id; a copied SD card is the usual cause",
            self._topics.site,
            self._topics.device,
        )
