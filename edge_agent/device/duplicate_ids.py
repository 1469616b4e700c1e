"""Duplicate client ids: what a device learns of others from its own status topic, and of its own late deaths."""

from __future__ import annotations

from typing import NamedTuple

from edge_agent.device.session import is_session_id
from edge_agent.protocol.messages import Status


class StatusVerdict(NamedTuple):
    """What a message on the device's own status topic means.

    Attributes:
        wrong: It says that this device is offline, which it is not: the birth has to be sent again.
        duplicate: Someone else uses this device's id, which was not known before.
    """

    wrong: bool = False
    duplicate: bool = False


class DuplicateIdDetector:
    """Judges messages on the device's own status topic.

    The broker echoes the device's birth to it. Messages that were queued for the device come before this echo, so only
    what follows it is about the present. A retained message of another session in place of this run's birth comes from
    another device.

    Attributes:
        latest: The greatest session seen on the topic.
        count: How often someone else was seen to use the device's id.
    """

    def __init__(self) -> None:
        self.latest = ""
        self.count = 0
        self._session: str | None = None
        self._echoed = False
        self._from_before: set[str] = set()
        self._others: set[str] = set()

    def connected(self, session: str) -> None:
        """A birth of this session is being sent on a new connection."""
        self._session, self._echoed = session, False

    def seen(self) -> None:
        """Someone else was seen by other means."""
        self.count += 1

    def saw(self, status: Status, *, retained: bool) -> StatusVerdict:
        """Judge a message; ``retained`` when it was on the topic before this device subscribed."""
        if is_session_id(status.session):
            self.latest = max(self.latest, status.session)
        if self._session is None:
            self._from_before.add(status.session)
            return StatusVerdict()
        offline, mine = status.state == "offline", status.session == self._session
        if mine and not offline:
            self._echoed = True
        if mine or not (self._echoed or retained):
            return StatusVerdict(wrong=offline and self._echoed)
        # An earlier run of this device can still be declared dead; it cannot be born.
        duplicate = status.session not in self._others and not (offline and status.session in self._from_before)
        if duplicate:
            self._others.add(status.session)
            self.count += 1
        return StatusVerdict(wrong=offline and self._echoed, duplicate=duplicate)
