"""What matters most about a room now, and which rooms come first: a pure judgement of facts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from edge_agent.client import DeviceState

_FRESH_WINDOWS = 3
_FRESH_S = 20.0
"""Figures older than three windows, and than this, are no longer shown as those of now."""


class Condition(Enum):
    """What can be said of a room; the value is its name in style sheets and tests."""

    OK = "ok"
    TOO_FEW = "too-few"
    """Fewer faces than the device's smallest group, or none."""
    WAITING = "waiting"
    """No figure has come since the page or the device started."""
    STARTING = "starting"
    """The camera is being opened."""
    MUTED = "muted"
    ENDED = "ended"
    """A recording came to its end."""
    OFFLINE = "offline"
    """It was stopped on purpose."""
    DARK = "dark"
    FROZEN = "frozen"
    STALLED = "stalled"
    """The camera is open and sends no frames."""
    FAILED = "failed"
    """The camera cannot be opened."""
    SILENT = "silent"
    """The device lives, and its figures have stopped."""
    STALE = "stale"
    """Nothing has come for three times as long as its reports take."""
    DEAD = "dead"
    """Its connection broke without a farewell."""
    BROKER_GONE = "broker-gone"
    """The page has no connection to the broker, so nothing can be said."""
    UNKNOWN = "unknown"

    @property
    def has_figures(self) -> bool:
        """Whether the latest figures are those of now."""
        return self is Condition.OK


CAMERA_CONDITIONS: Final = {
    "failed": Condition.FAILED,
    "stalled": Condition.STALLED,
    "frozen": Condition.FROZEN,
    "dark": Condition.DARK,
    "ended": Condition.ENDED,
    "starting": Condition.STARTING,
    "muted": Condition.MUTED,
}
"""By the state of the camera that ``health`` reports."""

_FIRST = (Condition.DEAD, Condition.FAILED, Condition.STALE, Condition.SILENT, Condition.STALLED)
_SECOND = (Condition.FROZEN, Condition.DARK, Condition.BROKER_GONE, Condition.UNKNOWN)
_QUIET = (Condition.OFFLINE, Condition.ENDED, Condition.MUTED, Condition.STARTING, Condition.WAITING)
"""Conditions that somebody wanted, or that pass by themselves."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a judgement is made of.

    Attributes:
        connected: Whether the page has a connection to the broker.
        state: Whether the device is alive.
        reason: Why it is offline.
        muted: Whether its camera is closed on request.
        camera: What it says of its camera; empty where it has said nothing.
        suppressed: Whether its latest figures are withheld; ``None`` where none have come.
        window_s: How long the latest figures took, in seconds.
        summary_age_s: Seconds since they came.
        problems: What it reports as wrong.
    """

    connected: bool
    state: DeviceState
    reason: str
    muted: bool
    camera: str
    suppressed: bool | None
    window_s: float
    summary_age_s: float
    problems: tuple[str, ...] = ()


def condition_of(facts: Facts) -> Condition:
    """What matters most: what makes everything else unknown comes first."""
    if not facts.connected:
        return Condition.BROKER_GONE
    if facts.state is DeviceState.UNKNOWN:
        return Condition.UNKNOWN
    if facts.state is DeviceState.OFFLINE:
        return Condition.DEAD if facts.reason == "connection_lost" else Condition.OFFLINE
    if facts.state is DeviceState.STALE:
        return Condition.STALE
    if facts.muted:
        return Condition.MUTED
    if facts.camera in CAMERA_CONDITIONS:
        return CAMERA_CONDITIONS[facts.camera]
    if facts.suppressed is None:
        return Condition.WAITING
    if facts.summary_age_s > max(_FRESH_S, _FRESH_WINDOWS * facts.window_s):
        return Condition.SILENT
    return Condition.TOO_FEW if facts.suppressed else Condition.OK


def attention(condition: Condition, *, problems: bool) -> int:
    """How early a room comes in the list: 0 is first."""
    if condition in _FIRST:
        return 0
    if condition in _SECOND:
        return 1
    if problems:
        return 2
    return 3 if condition in _QUIET else 4


def needs_attention(condition: Condition, *, problems: bool) -> bool:
    """Whether somebody should look after a room."""
    return attention(condition, problems=problems) <= 2
