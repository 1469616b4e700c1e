"""What the recorder takes from messages: small values that wait in memory until they are stored.

Pure: no clock, no database. What a device says is not trusted: text is cut and cleaned, numbers that no database takes
are refused, and a time that cannot be right is replaced by that of arrival.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

import msgspec
from msgspec import UNSET

from dashboard.history.tables import APPROXIMATE, LATE, UNDATED
from edge_agent.client import Arrived, Dated, Device, Expression, Health, Status, Summary
from edge_agent.errors import Rejected
from edge_agent.protocol.topics import EXPRESSION, SUMMARY

_CLOCKS_DIFFER_S: Final = 600.0
"""How much the time of a message that was sent at once may differ from this machine's clock."""
_OLDEST_S: Final = 400 * 86_400.0
"""How old a message that was sent late may be."""
_MAX_NAME: Final = 64
_MAX_LABELS: Final = 64
_MAX_FACES: Final = 10_000
_MAX_WINDOW_S: Final = 86_400.0
_MAX_MS: Final = 2**53
_MAX_BODY: Final = 4000


@dataclass(frozen=True, slots=True)
class Event:
    """A summary or an event of a face.

    Attributes:
        device: Whose.
        topic: ``summary`` or ``expression``.
        session: The run that sent it.
        seq: Its number there.
        at_ms: When it was, in milliseconds since 1970.
        flags: Of the row.
        shares: Of a summary; ``None`` where suppressed and for other events.
        muted: Whether it says that the camera has just been closed.
        values: The other columns of its row.
    """

    device: Device
    topic: str
    session: str
    seq: int
    at_ms: int
    flags: int
    shares: dict[str, float] | None
    muted: bool
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class HealthEntry:
    """A health report; ``values`` are the columns of its row."""

    device: Device
    session: str
    mono_ms: int
    at_ms: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """A birth or death. ``known``: what it says of the device; ``digest``: of what it says."""

    device: Device
    session: str
    at_ms: int
    state: str
    body: str
    digest: str
    retained: bool
    known: dict[str, str]


@dataclass(frozen=True, slots=True)
class StateEntry:
    """A device is now ``online``, ``offline`` or ``stale``."""

    device: Device
    at_ms: int
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class BrokerEntry:
    """The connection to the broker was made or lost."""

    at_ms: int
    connected: bool
    reason: str


@dataclass(frozen=True, slots=True)
class LostEntry:
    """Events that will not come."""

    device: Device
    session: str
    topic: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class NotStoredEntry:
    """Messages of a device that could not be kept while the database could not be written."""

    device: Device
    at_ms: int
    count: int


@dataclass(frozen=True, slots=True)
class RedateEntry:
    """The time of a stored summary has become known."""

    device: Device
    session: str
    seq: int
    old_ms: int
    at_ms: int


Entry = Event | HealthEntry | StatusEntry | StateEntry | BrokerEntry | LostEntry | NotStoredEntry | RedateEntry


def event_entry(arrived: Arrived, message: Summary | Expression, dated: Dated, now: float) -> Event | Rejected:
    """What to store of an event.

    Args:
        arrived: How it came.
        message: The event.
        dated: When it was observed, as the client knows.
        now: This machine's clock, seconds since 1970.
    """
    if (bad := _unusable(arrived.device, message.session, message.mono_ms)) is not None:
        return bad
    at_ms, flags = date_of(dated, now, late=arrived.late)
    muted, shares = False, None
    if isinstance(message, Summary):
        if (message.faces or 0) > _MAX_FACES or not 0 < message.window_s <= _MAX_WINDOW_S:
            return Rejected("a summary with a window or a number of faces out of range")
        if len(message.shares or ()) > _MAX_LABELS:
            return Rejected("a summary with too many labels")
        suppressed = message.suppressed or message.faces is None or message.shares is None
        if not suppressed:
            shares = {clean(label, _MAX_NAME): share for label, share in (message.shares or {}).items()}
        muted = message.muted is True
        flags |= APPROXIMATE if message.approximate is True else 0
        values: dict[str, Any] = {
            "window_ms": max(1, round(message.window_s * 1000)),
            "faces": None if suppressed else message.faces,
        }
    else:
        values = {
            "track": clean(message.track, _MAX_NAME),
            "kind": message.kind,
            "expression": clean(message.expression, _MAX_NAME),
            "confidence": message.confidence,
            "previous": None if message.previous is None else clean(message.previous, _MAX_NAME),
            "held_s": message.held_s if math.isfinite(message.held_s) else 0.0,
        }
    topic = SUMMARY if isinstance(message, Summary) else EXPRESSION
    return Event(arrived.device, topic, message.session, message.seq, at_ms, flags, shares, muted, values)


def health_entry(arrived: Arrived, message: Health, dated: Dated, now: float) -> HealthEntry | Rejected:
    """What to store of a health report; the arguments are those of :func:`event_entry`."""
    if (bad := _unusable(arrived.device, message.session, message.mono_ms)) is not None:
        return bad
    # What the broker had kept may be old without being marked as late.
    at_ms, _ = date_of(dated, now, late=arrived.late or arrived.retained)
    total = message.latency_ms.get("total") or message.latency_ms.get("frame")
    values = {
        "fps": _finite(message.fps) or 0.0,
        "latency_ms": None if total is None else _finite(total.p95),
        "temperature_c": _finite(message.temperature_c),
        "pending": min(message.outbox.pending, _MAX_MS),
        "camera": clean(message.camera.state, 32),
        "muted": int(message.muted),
        "problems": clean(",".join(message.problems), 400),
    }
    return HealthEntry(arrived.device, message.session, message.mono_ms, at_ms, values)


def status_entry(arrived: Arrived, message: Status, now: float) -> StatusEntry | Rejected:
    """What to store of a birth or death."""
    if (bad := _unusable(arrived.device, message.session, 0)) is not None:
        return bad
    at_ms = round(now * 1000)
    if isinstance(message.at, str) and message.clock_synced is True:
        at_ms, _ = date_of(Dated(_read(message.at), certain=True), now, late=arrived.retained)
    plain = msgspec.structs.replace(message, sessions=(), at=UNSET)
    body = clean(msgspec.json.encode(plain).decode(), _MAX_BODY)
    known = {}
    if message.state == "online":
        labels = [clean(label, _MAX_NAME) for label in message.labels[:_MAX_LABELS]]
        known = {
            "room": clean(message.room, 80),
            "time_zone": clean(message.timezone, _MAX_NAME),
            "model": clean(message.model, _MAX_NAME),
            "labels": json.dumps(labels, ensure_ascii=False),
        }
    digest = hashlib.sha256(body.encode()).hexdigest()
    return StatusEntry(arrived.device, message.session, at_ms, message.state, body, digest, arrived.retained, known)


def date_of(dated: Dated, now: float, *, late: bool) -> tuple[int, int]:
    """When something was, in milliseconds since 1970, and the flags of its row.

    Where the device's clock was not set, or says what cannot be, it is the time of arrival, and marked so.
    """
    at = dated.at.timestamp()
    earliest = now - (_OLDEST_S if late else _CLOCKS_DIFFER_S)
    usable = dated.certain and earliest <= at <= now + _CLOCKS_DIFFER_S
    flags = (LATE if late else 0) | (0 if usable else UNDATED)
    return round((at if usable else now) * 1000), flags


def clean(text: str, length: int) -> str:
    """Text that every database takes: no NUL, no half characters, at most so long."""
    return text[:length].replace("\0", "").encode("utf-8", "replace").decode()


def _unusable(device: Device, session: str, mono_ms: int) -> Rejected | None:
    names = (device.site, device.id, session)
    if any(not 1 <= len(name) <= _MAX_NAME or clean(name, _MAX_NAME) != name for name in names):
        return Rejected("a device or session with a name that is too long or no text")
    return Rejected("a time out of range") if abs(mono_ms) > _MAX_MS else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _read(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return datetime(1970, 1, 1, tzinfo=timezone.utc)
