"""A device's messages over a lesson, and the notices with which the client reports them."""

from __future__ import annotations

from datetime import datetime, timezone

from msgspec import UNSET

from edge_agent.client import Arrived, Dated, Device, Expression, Health, Status, Summary
from edge_agent.clock import utc_text
from edge_agent.protocol.messages import CameraHealth, OutboxHealth

NORTH = Device("north", "pi-3a")
SOUTH = Device("south", "pi-1")
NINE = datetime(2026, 11, 23, 9, tzinfo=timezone.utc).timestamp()
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
SHARES = {"happy": 0.25, "neutral": 0.5, "uncertain": 0.25}


def summary(
    seq: int,
    at: float,
    *,
    session: str = "S1",
    faces: int | None = 20,
    shares: dict[str, float] | None = None,
    window_s: float = 5.0,
    clock_synced: bool = True,
    muted: bool = False,
    approximate: bool = False,
    mono_ms: int = 0,
) -> Summary:
    """A window that ended at ``at``; without ``faces`` it is suppressed."""
    return Summary(
        event_id=f"pi-3a/{session}/summary/{seq}",
        window_s=window_s,
        faces=faces,
        shares=None if faces is None else SHARES if shares is None else shares,
        suppressed=faces is None,
        muted=muted or UNSET,
        approximate=approximate or UNSET,
        observed_at=utc_text(at),
        mono_ms=mono_ms,
        session=session,
        seq=seq,
        clock_synced=clock_synced,
        model="0123456789ab",
    )


def expression(seq: int, at: float, track: str = "t1", session: str = "S1") -> Expression:
    """A face that has become happy."""
    return Expression(
        event_id=f"pi-3a/{session}/expression/{seq}",
        kind="change",
        track=track,
        expression="happy",
        confidence=0.9,
        scores={"happy": 0.9, "neutral": 0.1},
        previous="neutral",
        held_s=4.0,
        observed_at=utc_text(at),
        mono_ms=0,
        session=session,
        seq=seq,
        clock_synced=True,
        model="0123456789ab",
    )


def health(at: float, mono_ms: int, *, session: str = "S1", camera: str = "ok", muted: bool = False) -> Health:
    """A report on health."""
    return Health(
        fps=9.5,
        latency_ms={},
        camera=CameraHealth(state="muted" if muted else camera),
        frames_read=0,
        frames_dropped=0,
        temperature_c=51.5,
        muted=muted,
        problems=() if camera == "ok" else (f"camera_{camera}",),
        outbox=OutboxHealth(storage="disk", pending=3, kept_bytes=0, lost=0),
        last_seq={},
        observed_at=utc_text(at),
        mono_ms=mono_ms,
        session=session,
        clock_synced=True,
    )


def birth(at: float, *, session: str = "S1", model: str = "0123456789ab", room: str = "3a") -> Status:
    """A session has begun."""
    return Status(
        state="online",
        session=session,
        at=utc_text(at),
        started_at=utc_text(at),
        clock_synced=True,
        labels=LABELS,
        model=model,
        room=room,
        timezone="Europe/Zurich",
    )


def arrived(
    message: Summary | Expression | Health | Status,
    device: Device = NORTH,
    *,
    late: bool = False,
    retained: bool = False,
) -> Arrived:
    """The notice of a message."""
    return Arrived(device, message, late, retained)


class OwnTimes:
    """A client of devices that had the right time at once, or never."""

    def time_of(self, device: Device, message: Summary | Expression | Health) -> Dated:  # noqa: ARG002
        at = datetime.fromisoformat(message.observed_at.replace("Z", "+00:00"))
        return Dated(at, certain=message.clock_synced)


TIMES = OwnTimes()
