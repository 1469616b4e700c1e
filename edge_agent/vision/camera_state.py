"""What a camera's frames and silences mean: pure functions of what was seen and of the time."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from edge_agent.types import Image

DARK_BELOW = 12.0
"""Mean level, of 255, under which a picture counts as black: no face can be recognised in it."""

BRIGHT_ABOVE = 16.0
"""Mean level from which a dark camera counts as seeing again; apart from ``DARK_BELOW`` so that it does not flutter."""

DARK_AFTER_S = 3.0
"""How long pictures must be black before the camera counts as dark."""

FROZEN_AFTER_S = 10.0
"""How long pictures must be equal before a camera counts as frozen. A sensor's noise makes every picture differ; a
compressed stream of a still classroom may repeat itself, but not past its next key frame."""


class CameraState(str, Enum):
    """How the camera is."""

    STARTING = "starting"
    OK = "ok"
    STALLED = "stalled"
    DARK = "dark"
    FROZEN = "frozen"
    ENDED = "ended"
    FAILED = "failed"
    MUTED = "muted"


SILENT = frozenset({CameraState.STALLED, CameraState.FAILED})
"""States in which no frames arrive although they should."""

BLIND = frozenset({CameraState.DARK, CameraState.FROZEN})
"""States in which frames arrive that show nothing."""


@dataclass(frozen=True, slots=True)
class FrameDigest:
    """What is kept of a frame in order to assess the camera.

    Attributes:
        level: Mean of all values, 0 to 255.
        fingerprint: Equal for equal pictures, and practically never for others.
    """

    level: float
    fingerprint: int


@dataclass(frozen=True, slots=True)
class FrameHistory:
    """The frames of one opening of a source so far, as far as they matter.

    Attributes:
        digest: The last frame.
        since: Monotonic seconds of the first frame.
        dark_since: When the current row of black frames began; ``None`` where the picture is not black.
        same_since: When the current row of equal frames began.
    """

    digest: FrameDigest
    since: float
    dark_since: float | None
    same_since: float


def digest(image: Image) -> FrameDigest:
    """Sum a frame up from every eighth of its rows, which is enough to recognise black and equal pictures."""
    rows = np.ascontiguousarray(image[::8])
    return FrameDigest(level=float(rows.mean()), fingerprint=zlib.crc32(rows.data))


def extended(history: FrameHistory | None, new: FrameDigest, now: float) -> FrameHistory:
    """Add a frame captured at ``now`` to those seen before (``None``: it is the first)."""
    if history is None:
        return FrameHistory(new, now, now if new.level < DARK_BELOW else None, now)
    limit = DARK_BELOW if history.dark_since is None else BRIGHT_ABOVE
    dark_since = (now if history.dark_since is None else history.dark_since) if new.level < limit else None
    same_since = history.same_since if new.fingerprint == history.digest.fingerprint else now
    return replace(history, digest=new, dark_since=dark_since, same_since=same_since)


def assess(history: FrameHistory, now: float, live: bool) -> tuple[CameraState, str]:
    """What the frames say at ``now``: ok, dark or, of ``live`` sources only, frozen; and why, in words for a log.

    A black picture counts as dark even if it never changes.
    """
    if history.dark_since is not None and now - history.dark_since >= DARK_AFTER_S:
        return CameraState.DARK, (
            f"the picture has been black for {DARK_AFTER_S:g} s (mean level {history.digest.level:.0f} of 255). "
            "Check the lens cover and the light"
        )
    if live and now - history.same_since >= FROZEN_AFTER_S:
        return CameraState.FROZEN, (
            f"the picture has not changed by a single bit for {FROZEN_AFTER_S:g} s. "
            "Unplug the camera and plug it in again, or switch it off and on"
        )
    return CameraState.OK, ""


def silence_limit_s(stall_s: float, fps: float) -> float:
    """How long no frame may come before the source counts as stalled; never less than three frames' time."""
    return max(stall_s, 3.0 / fps)
