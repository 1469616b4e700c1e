"""Messages of a device, as the client gives them."""

from __future__ import annotations

from typing import Any

from edge_agent.client import Arrived, Device, DeviceState, Expression, Health, StateChanged, Status, Summary
from edge_agent.protocol.messages import CameraHealth, Message, OutboxHealth

NORTH = Device("north", "pi-1")
SESSION = "01M81KPPFC0N5QFR"
AT = "2026-11-22T12:29:14.153Z"


def arrived(message: Message, device: Device = NORTH, *, late: bool = False, retained: bool = False) -> Arrived:
    assert isinstance(message, Expression | Health | Status | Summary)
    return Arrived(device, message, late, retained)


def online(device: Device = NORTH) -> StateChanged:
    return StateChanged(device, DeviceState.ONLINE, "")


def summary(faces: int | None = 20, *, seq: int = 1, session: str = SESSION, **changes: Any) -> Summary:
    shares = None if faces is None else {"happy": 0.5, "neutral": 0.3, "uncertain": 0.2}
    values = {"shares": shares, "suppressed": faces is None, "window_s": 5.0, "observed_at": AT, **changes}
    return Summary(
        event_id=f"pi-1/{session}/summary/{seq}",
        faces=faces,
        mono_ms=1000 * seq,
        session=session,
        seq=seq,
        clock_synced=True,
        model="92e89a0e6e72",
        **values,
    )


def expression(kind: str = "start", track: str = "w6w5", name: str = "happy", *, seq: int = 1) -> Expression:
    return Expression(
        event_id=f"pi-1/{SESSION}/expression/{seq}",
        kind=kind,  # type: ignore[arg-type]
        track=track,
        expression=name,
        confidence=0.7,
        scores={"happy": 0.7, "sad": 0.3},
        previous=None,
        held_s=1.0,
        observed_at=AT,
        mono_ms=1000 * seq,
        session=SESSION,
        seq=seq,
        clock_synced=True,
        model="92e89a0e6e72",
    )


def health(camera: str = "ok", *, session: str = SESSION, **changes: Any) -> Health:
    outbox = OutboxHealth(storage="disk", pending=0, kept_bytes=0, lost=0)
    values = {"fps": 9.5, "latency_ms": {}, "problems": (), "observed_at": AT, "outbox": outbox, **changes}
    return Health(
        camera=CameraHealth(state=camera),
        frames_read=1000,
        frames_dropped=0,
        last_seq={},
        mono_ms=1000,
        session=session,
        clock_synced=True,
        **values,
    )


def birth(room: str = "2b", *, session: str = SESSION, **changes: Any) -> Status:
    values = {"version": "0.2.0", **changes}
    return Status(
        state="online",
        session=session,
        room=room,
        labels=("happy", "sad", "neutral"),
        model="92e89a0e6e72",
        started_at=AT,
        clock_synced=True,
        **values,
    )
