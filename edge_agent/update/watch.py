"""How the device does, window by window, and whether a model on probation has made it worse. Takes time as an argument.

What is compared does not depend on how many people are in the room or what the camera does: the time a face takes, and
the share of the camera's frames that perception had time for.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Final

from edge_agent.pipeline import Observation
from edge_agent.update.state import Probation, Usual

STRIKES: Final = 3
"""So many windows in a row have to be worse: a moment's load is nobody's fault."""
_REMEMBERED: Final = 6
_LEAST_FRAMES: Final = 3
_LOOKED_AT_LIMIT: Final = 0.7
"""Least share of the usual share of frames."""
_MARGIN: Final = 1.5
"""Over the slowdown that the publication allows: the trial measured it in quiet, this is a working device."""
_MARGIN_MS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of perception.

    Attributes:
        observation: What it gave; ``None`` where perception rested.
        delivered: Frames the camera has delivered so far.
        shedding: Whether frames are left out to spare a hot board: then nothing can be compared.
    """

    observation: Observation | None
    delivered: int
    shedding: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """What happened in some seconds.

    Attributes:
        seconds: How long they were.
        frames: Frames looked at.
        delivered: Frames the camera delivered.
        faces: Faces read.
        reading_ms: Milliseconds of processor time that took.
    """

    seconds: float
    frames: int
    delivered: int
    faces: int
    reading_ms: float

    @property
    def looked_at(self) -> float:
        """Share of the camera's frames that were looked at, 0 to 1."""
        return min(1.0, self.frames / self.delivered) if self.delivered else 0.0

    @property
    def face_ms(self) -> float | None:
        """Milliseconds of processor time a face; ``None`` where none was read."""
        return self.reading_ms / self.faces if self.faces else None


def usual(windows: list[Window]) -> Usual | None:
    """What is usual, from windows in which the camera delivered; ``None`` where there are none."""
    seen = [window for window in windows if window.delivered >= _LEAST_FRAMES]
    if not seen:
        return None
    faces = [window.face_ms for window in seen if window.face_ms is not None]
    looked_at = median(window.looked_at for window in seen)
    return Usual(looked_at=round(looked_at, 3), face_ms=round(median(faces), 3) if faces else None)


def worse(before: Usual | None, window: Window, max_slowdown: float) -> str:
    """In what a window is worse than usual; empty where in nothing.

    Args:
        before: What was usual with the former model; ``None`` where that is not known.
        window: With the new model.
        max_slowdown: How many times the former model's time a face may take.
    """
    if before is None or window.delivered < _LEAST_FRAMES:
        return ""
    if window.looked_at < _LOOKED_AT_LIMIT * before.looked_at:
        return f"looked at {window.looked_at:.0%} of the camera's frames, {before.looked_at:.0%} before"
    if before.face_ms is None or window.face_ms is None:
        return ""
    if window.face_ms > max_slowdown * _MARGIN * before.face_ms + _MARGIN_MS:
        return f"a face took {window.face_ms:.1f} ms, {before.face_ms:.1f} ms before"
    return ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a model on probation: it has served for so many seconds in all, is through, or is worse."""

    model_id: str
    served_s: float
    through: bool = False
    worse: str = ""


class Watch:
    """Collects windows, and judges them while a model is on probation. One thread only.

    Args:
        probation_s: Seconds of reading frames that make a model proven.
        now: Monotonic seconds.
        delivered: Frames the camera has delivered so far.

    Attributes:
        usual: How the device does with a proven model; ``None`` before that is known.
    """

    def __init__(self, probation_s: float, now: float, delivered: int = 0) -> None:
        self._probation_s = probation_s
        self._window_s = min(10.0, max(1.0, probation_s / 20))
        self._windows: deque[Window] = deque(maxlen=_REMEMBERED)
        self.usual: Usual | None = None
        self._before: Usual | None = None
        self._max_slowdown = 0.0
        self._on_probation = False
        self._model_id = ""
        self._served_s = 0.0
        self._told_s = 0.0
        self._strikes = 0
        self._shed = False
        self._restart(now, delivered)

    @property
    def window_s(self) -> float:
        """Length of a window in seconds."""
        return self._window_s

    def begin(self, model_id: str, probation: Probation, before: Usual | None, now: float, delivered: int) -> None:
        """A model on probation reads faces from now on.

        Args:
            model_id: Which.
            probation: How long it has served, and how slow it may be.
            before: How the device did without it.
            now: Monotonic seconds.
            delivered: Frames the camera has delivered so far.
        """
        self._model_id, self._on_probation = model_id, True
        self._before, self._max_slowdown = before, probation.max_slowdown
        self._served_s = self._told_s = probation.served_s
        self._strikes = 0
        self._restart(now, delivered)

    def proven(self, now: float, delivered: int) -> None:
        """A model that needs no watching reads faces from now on."""
        self._on_probation = False
        self._windows.clear()
        self._restart(now, delivered)

    def count(self, turn: Turn, now: float) -> Outcome | None:
        """Take note of one turn; ``now`` in monotonic seconds."""
        observation, delivered = turn.observation, turn.delivered
        self._shed = self._shed or turn.shedding
        if observation is not None and observation.stage_ms:
            self._frames += 1
            self._faces += observation.read
            self._reading_ms += observation.reading_cpu_ms
        if observation is not None and observation.failure and self._on_probation:
            self._on_probation = False
            return Outcome(self._model_id, self._served_s, worse=f"reading faces failed: {observation.failure}")
        if now - self._since < self._window_s:
            return None
        window = Window(now - self._since, self._frames, delivered - self._delivered, self._faces, self._reading_ms)
        shed = self._shed
        self._restart(now, delivered)
        if shed:
            return None
        if self._on_probation:
            return self._judge(window)
        self._windows.append(window)
        self.usual = usual(list(self._windows)) or self.usual
        return None

    def _judge(self, window: Window) -> Outcome | None:
        reason = worse(self._before, window, self._max_slowdown)
        self._strikes = self._strikes + 1 if reason else 0
        if self._strikes >= STRIKES:
            self._on_probation = False
            return Outcome(self._model_id, self._served_s, worse=reason)
        if window.frames and not reason:
            self._served_s += window.seconds
        if self._served_s >= self._probation_s:
            self._on_probation = False
            return Outcome(self._model_id, self._served_s, through=True)
        if self._served_s - self._told_s >= self._probation_s / 10:
            self._told_s = self._served_s
            return Outcome(self._model_id, self._served_s)
        return None

    def _restart(self, now: float, delivered: int) -> None:
        self._since, self._delivered = now, delivered
        self._frames = self._faces = 0
        self._shed = False
        self._reading_ms: float = 0.0
