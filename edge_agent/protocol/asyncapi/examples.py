"""Messages as a device in a classroom sends and gets them, for the documents."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from edge_agent import __version__
from edge_agent.config import DeviceSettings, PrivacySettings, Settings
from edge_agent.protocol.catalogue import MODEL_PART, MODELS
from edge_agent.protocol.ha_discovery import discovery
from edge_agent.protocol.messages import (
    CameraHealth,
    Command,
    Desired,
    Expression,
    Health,
    ModelUpdate,
    OutboxHealth,
    Percentiles,
    Reply,
    SearchHealth,
    SessionRecord,
    Status,
    Summary,
)
from edge_agent.protocol.model_manifest import ModelManifest, Models, SignedPublication
from edge_agent.protocol.topics import COMMAND, DESIRED, EXPRESSION, HEALTH, REPLY, RESENT, STATUS, SUMMARY

_SESSION, _BEFORE, _MODEL = "01M81KPPFC0N5QFR", "01M80W2E3G7XK4TB", "92e89a0e6e72"
_LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


class Example(NamedTuple):
    """A message, what it is an example of, and whether it is sent late."""

    summary: str
    message: Any
    historical: bool = False


def _event(seq: int, kind: str, expression: str, previous: str | None, **more: Any) -> Expression:
    scores = dict.fromkeys(_LABELS, 0.02) | {"happy": 0.83, "neutral": 0.07}
    if expression != "happy":
        scores |= {"happy": 0.31, "surprise": 0.36, "neutral": 0.25}
    return Expression(
        **{
            "event_id": f"pi-3a/{_SESSION}/expression/{seq}",
            "kind": kind,
            "track": "k7q2",
            "expression": expression,
            "confidence": max(scores.values()),
            "scores": scores,
            "previous": previous,
            "held_s": 0.0 if previous is None else 4.2,
            "observed_at": "2026-11-22T09:00:00.123Z",
            "mono_ms": 183422,
            "session": _SESSION,
            "seq": seq,
            "clock_synced": True,
            "model": _MODEL,
            **more,
        }
    )


def _summary(seq: int, faces: int | None, shares: dict[str, float] | None, *, muted: bool = False) -> Summary:
    return Summary(
        event_id=f"pi-3a/{_SESSION}/summary/{seq}",
        window_s=5.0,
        faces=faces,
        shares=shares,
        suppressed=shares is None,
        muted=muted or UNSET,
        observed_at="2026-11-22T09:00:05.000Z",
        mono_ms=188299,
        session=_SESSION,
        seq=seq,
        clock_synced=True,
        model=_MODEL,
    )


def _health(camera: CameraHealth, **more: Any) -> Health:
    return Health(
        **{
            "fps": 9.9,
            "latency_ms": {"detect": Percentiles(p50=47.1, p95=60.3), "total": Percentiles(p50=74.0, p95=98.2)},
            "camera": camera,
            "frames_read": 18400,
            "frames_dropped": 12,
            "temperature_c": 58.4,
            "throttled": False,
            "search": SearchHealth(frames=300, whole=27, regions=61, reasons={"due": 27, "moved": 61}, cpu_ms=4.2),
            "outbox": OutboxHealth(storage="disk", pending=0, kept_bytes=412345, lost=0),
            "last_seq": {"expression": 42, "summary": 36},
            "observed_at": "2026-11-22T09:00:10.000Z",
            "mono_ms": 193299,
            "session": _SESSION,
            "clock_synced": True,
            **more,
        }
    )


def _signed_manifest(version: int, **more: Any) -> SignedPublication:
    manifest = ModelManifest(
        version=version,
        sha256=f"{version:064x}",
        size_bytes=1_300_553,
        published_at="2026-11-22T08:00:00+00:00",
        name="edge",
        **more,
    )
    return SignedPublication(body=msgspec.json.encode(manifest).decode(), signature=bytes(64))


EXAMPLES: dict[str, list[Example]] = {
    STATUS: [
        Example(
            "The birth of a session, of a device that still holds events of the one before",
            Status(
                state="online",
                session=_SESSION,
                at="2026-11-22T08:56:56.912Z",
                started_at="2026-11-22T08:56:56.701Z",
                clock_synced=True,
                labels=_LABELS,
                model=_MODEL,
                room="2b",
                timezone="Europe/Berlin",
                version=__version__,
                health_every_s=30.0,
                model_update=ModelUpdate(
                    source="fleet",
                    version=4,
                    state="refused",
                    wanted=5,
                    wanted_model="c158944fbd7b",
                    reason="its time for a face: got 3.20 ms, expected at most 1.57 ms, 1.5 times the present model's",
                ),
                sessions=tuple(
                    SessionRecord(session=session, started_at=started_at, clock_synced=True, last_seq=last_seq)
                    for session, started_at, last_seq in (
                        (_SESSION, "2026-11-22T08:56:56.701Z", {}),
                        (_BEFORE, "2026-11-21T07:41:03.250Z", {"expression": 1210, "summary": 3402}),
                    )
                ),
            ),
        ),
        Example(
            "The agent was stopped",
            Status(state="offline", session=_SESSION, reason="stopped", at="2026-11-22T15:30:00.004Z"),
        ),
        Example(
            "The last will: the broker says that the device has gone without a word",
            Status(state="offline", session=_SESSION, reason="connection_lost"),
        ),
    ],
    EXPRESSION: [
        Example("A face's expression becomes stable for the first time", _event(41, "start", "happy", None)),
        Example("The agent abstains; sent late", _event(42, "change", "uncertain", "happy"), historical=True),
        Example(
            "The face has gone; the clock was not set yet",
            _event(
                43,
                "end",
                "happy",
                "happy",
                held_s=61.7,
                clock_synced=False,
                observed_at="1970-01-01T00:04:10.422Z",
                mono_ms=250422,
            ),
        ),
    ],
    SUMMARY: [
        Example("A window over a class", _summary(36, 18, {"happy": 0.41, "neutral": 0.47, "uncertain": 0.12})),
        Example("Fewer faces than privacy.min_group: no figures", _summary(37, None, None)),
        Example("Nobody is there, and privacy.min_group is 1", _summary(38, 0, {})),
        Example("The camera has just been closed", _summary(39, None, None, muted=True)),
    ],
    HEALTH: [
        Example("All is well", _health(CameraHealth(state="ok"))),
        Example(
            "The camera has been unplugged, on a platform that tells no temperature",
            _health(
                CameraHealth(state="failed", reason="/dev/video0: no such device"),
                fps=0.0,
                latency_ms={},
                temperature_c=None,
                throttled=None,
                problems=("camera_failed",),
            ),
        ),
    ],
    DESIRED: [
        Example("Close the camera, now and after every restart", Desired(muted=True)),
        Example("Open it again", Desired(muted=False)),
    ],
    COMMAND: [
        Example("Are you there?", Command(id="wall-display-1", command="ping")),
        Example(
            "Send these events again",
            Command(id="wall-display-2", command="resend", session=_SESSION, topic=EXPRESSION, first=12, last=15),
        ),
        Example(
            "Send these events again, to this program alone",
            Command(
                id="wall-display-5",
                command="resend",
                session=_SESSION,
                topic=SUMMARY,
                first=30,
                last=36,
                reply_to="operator/wall-display",
            ),
        ),
        Example("Who is in the room now?", Command(id="wall-display-3", command="snapshot")),
    ],
    REPLY: [
        Example("To a ping", Reply(id="wall-display-1", command="ping", ok=True, session=_SESSION)),
        Example(
            "To a resend: two events follow on their topic, two are no longer held",
            Reply(
                id="wall-display-2",
                command="resend",
                ok=True,
                session=_SESSION,
                result={"count": 2, "missing": [[12, 13]]},
            ),
        ),
        Example(
            "To a snapshot",
            Reply(
                id="wall-display-3",
                command="snapshot",
                ok=True,
                session=_SESSION,
                result={"tracks": [{"track": "k7q2", "expression": "happy"}, {"track": "m3xa", "expression": None}]},
            ),
        ),
        Example(
            "To a command that devices do not know",
            Reply(
                id="wall-display-4",
                command="dance",
                ok=False,
                session=_SESSION,
                error="unknown command 'dance', expected one of ping, resend, snapshot",
            ),
        ),
        Example(
            'To {"v":1,"muted":true,"model":7} on desired: the camera is closed all the same',
            Reply(
                id="",
                command=DESIRED,
                ok=False,
                session=_SESSION,
                error="not a desired message: Expected `str`, got `int` - at `$.model`; "
                "ignored, muted = true in it excepted",
            ),
        ),
    ],
    f"{RESENT}_{EXPRESSION}": [
        Example("An event that is sent again for one program", _event(41, "start", "happy", None), historical=True)
    ],
    f"{RESENT}_{SUMMARY}": [
        Example(
            "A window that is sent again for one program",
            _summary(36, 18, {"happy": 0.41, "neutral": 0.59}),
            historical=True,
        )
    ],
    f"{RESENT}_{COMMAND}": [
        Example(
            "Send these windows again, to who asks here alone",
            Command(id="archive-1", command="resend", session=_SESSION, topic=SUMMARY, first=30, last=36),
        )
    ],
    "home_assistant_discovery": [
        Example(
            "A device in room 2b",
            discovery(
                Settings(
                    device=DeviceSettings(site="north-school", id="pi-3a", room="2b"),
                    privacy=PrivacySettings(level="summary"),
                ),
                _LABELS,
            ),
        )
    ],
    "home_assistant_status": [Example("Home Assistant has started", "online")],
    MODELS: [
        Example(
            "A model for all devices, and a newer one that one device tries first",
            Models(manifests=(_signed_manifest(4), _signed_manifest(5, devices=("north-school/pi-3a",)))),
        ),
    ],
    MODEL_PART: [Example("The beginning of a TFLite model", b"\x1c\x00\x00\x00TFL3")],
}
"""By channel."""
