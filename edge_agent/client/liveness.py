"""Whether a device is alive, judged from its births and deaths and from time."""

from __future__ import annotations

from enum import Enum

from msgspec import UnsetType

from edge_agent.config import MqttSettings
from edge_agent.protocol.messages import Status

_MISSED_REPORTS = 3
"""A device is stale after so many times its ``health_every_s``."""


class DeviceState(str, Enum):
    """What can honestly be said about a device."""

    UNKNOWN = "unknown"
    """Nothing: it was never heard of, or there is no connection to the broker."""
    ONLINE = "online"
    STALE = "stale"
    """It has not said that it leaves, and nothing has come for three times as long as its reports take."""
    OFFLINE = "offline"


class Liveness:
    """Follows one device. Times are monotonic seconds.

    Attributes:
        state: What holds now.
        session: The latest session heard of.
        reason: Why it is offline: ``stopped`` or ``connection_lost``; empty in other states.
    """

    def __init__(self) -> None:
        self.state = DeviceState.UNKNOWN
        self.session = ""
        self.reason = ""
        self._heard_at = 0.0
        self._stale_after_s = _MISSED_REPORTS * MqttSettings().health_every_s

    def status(self, status: Status, now: float) -> None:
        """A birth or death. Of a session older than the latest it says nothing about now."""
        if status.session < self.session:
            return
        self.session = status.session
        if status.state == "offline":
            self.state = DeviceState.OFFLINE
            self.reason = "" if isinstance(status.reason, UnsetType) else status.reason
            return
        if not isinstance(status.health_every_s, UnsetType):
            self._stale_after_s = _MISSED_REPORTS * status.health_every_s
        self._alive(now)

    def heard(self, session: str, now: float) -> None:
        """A message of a session has just been published."""
        if session > self.session or (session == self.session and self.state is not DeviceState.OFFLINE):
            self.session = session
            self._alive(now)

    def tick(self, now: float) -> None:
        """Time passes."""
        if self.state is DeviceState.ONLINE and now - self._heard_at > self._stale_after_s:
            self.state = DeviceState.STALE

    def connection_lost(self) -> None:
        """There is no connection to the broker, so nothing can be said."""
        self.state, self.reason = DeviceState.UNKNOWN, ""

    def _alive(self, now: float) -> None:
        self.state, self.reason, self._heard_at = DeviceState.ONLINE, "", now
