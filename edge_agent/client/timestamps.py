"""Timestamp resolution: when something happened, also where the device's clock was not set yet."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from msgspec import UnsetType

from edge_agent.protocol.messages import Expression, Health, Status, Summary

_NEVER = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Anchor:
    """When a session began, by its device's clock, and whether that was set."""

    started_at: datetime
    synced: bool


@dataclass(frozen=True, slots=True)
class Dated:
    """A time in UTC. ``certain``: whether it comes from a clock that was set."""

    at: datetime
    certain: bool


def anchors_of(status: Status) -> dict[str, Anchor]:
    """When a birth's own session and the earlier ones in it began, by session."""
    known = {record.session: Anchor(_read(record.started_at), record.clock_synced) for record in status.sessions}
    if not isinstance(status.started_at, UnsetType):
        known[status.session] = Anchor(_read(status.started_at), status.clock_synced is True)
    return known


def resolve_timestamp(message: Expression | Summary | Health, anchor: Anchor | None) -> Dated:
    """When a message was observed: by its own time where the clock was set, else from when its session began.

    Args:
        message: The message.
        anchor: What is known of its session.
    """
    if not message.clock_synced and anchor is not None and anchor.synced:
        with contextlib.suppress(OverflowError):
            return Dated(anchor.started_at + timedelta(milliseconds=message.mono_ms), certain=True)
    return Dated(_read(message.observed_at), certain=message.clock_synced)


def _read(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
    except (ValueError, OverflowError):  # not by this contract; nothing is known then
        return _NEVER
