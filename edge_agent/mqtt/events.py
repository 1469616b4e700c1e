"""What a connection to a broker reports."""

from __future__ import annotations

from dataclasses import dataclass

HISTORICAL = "historical"
"""MQTT 5 user property of a message that is sent late or again."""

FIRST_FAILURE = 0x80
"""Reason codes from here on mean no."""

SESSION_TAKEN_OVER = 0x8E
"""The reason the broker gives when another connection with the same client id has taken this one's place."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The broker has answered a publish. ``code`` of 0x80 and above means that it has not taken it."""

    packet_id: int
    code: int
    reason: str

    @property
    def ok(self) -> bool:
        """Whether the broker has taken the message."""
        return self.code < FIRST_FAILURE


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The broker has answered a subscription; ``refused`` lists the filters it denies."""

    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Received:
    """A message has come in."""

    topic: str
    payload: bytes
    retained: bool
    historical: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection is over. ``code`` is the broker's own reason where it gave one (MQTT 5), else 0."""

    reason: str
    code: int


ConnectionEvent = Acknowledged | Subscribed | Received | Closed
