"""Messages of one device, as short as tests need them."""

from __future__ import annotations

from datetime import datetime, timezone

from edge_agent.client.events import Device
from edge_agent.clock import utc_text
from edge_agent.protocol.messages import (
    CameraHealth,
    Expression,
    Health,
    OutboxHealth,
    SessionRecord,
    Status,
    Summary,
)

PI = Device("north", "pi-3a")
NINE = datetime(2026, 11, 22, 9, tzinfo=timezone.utc)
_AT = utc_text(NINE.timestamp())


def event(seq: int, session: str = "S2") -> Expression:
    return Expression(
        event_id=f"pi-3a/{session}/expression/{seq}",
        kind="start",
        track="t",
        expression="happy",
        confidence=1.0,
        scores={"happy": 1.0},
        previous=None,
        held_s=0.0,
        observed_at=_AT,
        mono_ms=0,
        session=session,
        seq=seq,
        clock_synced=True,
        model="m",
    )


def summary(seq: int, session: str = "S2") -> Summary:
    return Summary(
        event_id=f"pi-3a/{session}/summary/{seq}",
        window_s=5.0,
        faces=None,
        shares=None,
        suppressed=True,
        observed_at=_AT,
        mono_ms=0,
        session=session,
        seq=seq,
        clock_synced=True,
        model="m",
    )


def birth(
    session: str = "S2", *, starts: dict[str, str] | None = None, synced: bool = True, **last_seqs: dict[str, int]
) -> Status:
    seqs: dict[str, dict[str, int]] = {session: {}, **last_seqs}
    starts = starts or {}
    sessions = tuple(
        SessionRecord(session=name, started_at=starts.get(name, _AT), clock_synced=synced, last_seq=last)
        for name, last in sorted(seqs.items(), reverse=True)
    )
    return Status(state="online", session=session, health_every_s=30.0, sessions=sessions)


def death(session: str = "S2") -> Status:
    return Status(state="offline", session=session, reason="connection_lost")


def health(session: str = "S2", **last_seq: int) -> Health:
    return Health(
        fps=9.0,
        latency_ms={},
        camera=CameraHealth(state="ok"),
        frames_read=0,
        frames_dropped=0,
        outbox=OutboxHealth(storage="disk", pending=0, kept_bytes=0, lost=0),
        last_seq=last_seq,
        observed_at=_AT,
        mono_ms=0,
        session=session,
        clock_synced=True,
    )
