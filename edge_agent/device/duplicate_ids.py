"""Duplicate client ids: what a device learns of others from its own status topic, and of its own late deaths."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from edge_agent.device.session import is_session_id
from edge_agent.protocol.messages import Status

REMEMBERED_S: Final = 900.0
"""How long after its last sign another device counts as there. Two that take each other's connection away do so every
five minutes at the latest: no longer does a publisher wait."""


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

    Args:
        clock: Gives monotonic seconds.

    Attributes:
        latest: The greatest session seen on the topic.
        count: How often someone else was seen to use the device's id.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.latest = ""
        self.count = 0
        self._clock = clock
        self._seen_at: float | None = None
        self._session: str | None = None
        self._echoed = False
        self._from_before: set[str] = set()
        self._others: set[str] = set()

    def connected(self, session: str) -> None:
        """A birth of this session is being sent on a new connection."""
        self._session, self._echoed = session, False

    def seen(self) -> None:
        """Someone else was seen by other means."""
        self._note()

    @property
    def in_use_twice(self) -> bool:
        """Whether someone else has been seen lately."""
        return self._seen_at is not None and self._clock() - self._seen_at < REMEMBERED_S

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
        other = not (offline and status.session in self._from_before)
        duplicate = other and status.session not in self._others
        if duplicate:
            self._others.add(status.session)
            self._note()
        elif other and self._is_sign_of_life(status, retained=retained):
            self._seen_at = self._clock()
        return StatusVerdict(wrong=offline and self._echoed, duplicate=duplicate)

    def _note(self) -> None:
        self.count += 1
        self._seen_at = self._clock()

    @staticmethod
    def _is_sign_of_life(status: Status, *, retained: bool) -> bool:
        """Whether a device that is known by now says something: a message kept by the broker may be old."""
        return status.state == "online" and not retained
