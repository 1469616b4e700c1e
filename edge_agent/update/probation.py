"""How the device does, interval by interval, and whether a model on probation does worse. Takes time as an argument.

Two figures are compared: the time a face takes, and the share of the camera's frames that perception had time for.
Neither depends on how many people are in the room, or on what the camera does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Final

from edge_agent.pipeline import Observation
from edge_agent.update.state import Baseline, Probation

MAX_CONSECUTIVE_FAILURES: Final = 3
"""After so many intervals in a row with a regression the model is given up. A short load is not its fault."""
_BASELINE_INTERVALS: Final = 6
_MIN_FRAMES: Final = 3
_MIN_FRAME_SHARE: Final = 0.7
"""Of the baseline's share of frames."""
_MARGIN: Final = 1.5
"""On top of the slowdown that the manifest allows: it was measured on an idle device, and this one works."""
_MARGIN_MS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of perception's loop.

    Attributes:
        observation: Its result; ``None`` where perception rested.
        delivered: Frames the camera has delivered so far.
        shedding: Whether frames are left out to spare a hot board. Then nothing can be compared.
    """

    observation: Observation | None
    delivered: int
    shedding: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """What happened in some seconds.

    Attributes:
        seconds: How many.
        frames: Frames processed.
        delivered: Frames the camera delivered.
        faces: Faces classified.
        classify_ms: Milliseconds of processor time that took.
    """

    seconds: float
    frames: int
    delivered: int
    faces: int
    classify_ms: float

    @property
    def frame_share(self) -> float:
        """Share of the camera's frames that were processed, 0 to 1."""
        return min(1.0, self.frames / self.delivered) if self.delivered else 0.0

    @property
    def face_ms(self) -> float | None:
        """Milliseconds of processor time a face; ``None`` where none was classified."""
        return self.classify_ms / self.faces if self.faces else None


def baseline_of(intervals: list[Interval]) -> Baseline | None:
    """The baseline, from intervals in which the camera delivered; ``None`` where there are none."""
    seen = [interval for interval in intervals if interval.delivered >= _MIN_FRAMES]
    if not seen:
        return None
    faces = [interval.face_ms for interval in seen if interval.face_ms is not None]
    frame_share = median(interval.frame_share for interval in seen)
    return Baseline(frame_share=round(frame_share, 3), face_ms=round(median(faces), 3) if faces else None)


def regression(baseline: Baseline | None, interval: Interval, max_slowdown: float, *, exact: bool = True) -> str | None:
    """In what an interval is worse than the baseline, for people; ``None`` where in nothing.

    Args:
        baseline: How the device did with the former model; ``None`` where that is not known.
        interval: With the new model.
        max_slowdown: How many times the former model's time a face may take.
        exact: Whether to name figures. They are published, and depend on how many faces there are.
    """
    if baseline is None or interval.delivered < _MIN_FRAMES:
        return None
    if interval.frame_share < _MIN_FRAME_SHARE * baseline.frame_share:
        if not exact:
            return "looked at far fewer of the camera's frames than before"
        return f"looked at {interval.frame_share:.0%} of the camera's frames, {baseline.frame_share:.0%} before"
    if baseline.face_ms is None or interval.face_ms is None:
        return None
    if interval.face_ms > max_slowdown * _MARGIN * baseline.face_ms + _MARGIN_MS:
        if not exact:
            return "a face took far longer than before"
        return f"a face took {interval.face_ms:.1f} ms, {baseline.face_ms:.1f} ms before"
    return None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a model on probation does.

    Attributes:
        model_id: Which.
        served_s: Seconds for which it has processed frames in all.
        passed: Whether it has proved itself.
        regression: In what it does worse than the model before, which ends its probation; ``None`` where in nothing.
    """

    model_id: str
    served_s: float
    passed: bool = False
    regression: str | None = None


class ProbationMonitor:
    """Collects intervals, and judges them while a model is on probation. One thread only.

    Args:
        probation_s: Seconds of processing frames after which a model has proved itself.
        now: Monotonic seconds.
        delivered: Frames the camera has delivered so far.
        exact: Whether reasons, which are published, may name figures.

    Attributes:
        baseline: How the device does with a proven model; ``None`` before that is known.
    """

    def __init__(self, probation_s: float, now: float, delivered: int = 0, *, exact: bool = True) -> None:
        self._exact = exact
        self._probation_s = probation_s
        self._interval_s = min(10.0, max(1.0, probation_s / 20))
        self._intervals: deque[Interval] = deque(maxlen=_BASELINE_INTERVALS)
        self.baseline: Baseline | None = None
        self._compared_with: Baseline | None = None
        self._max_slowdown = 0.0
        self._on_probation = False
        self._model_id = ""
        self._served_s = 0.0
        self._reported_s = 0.0
        self._consecutive_failures = 0
        self._shed = False
        self._begin_interval(now, delivered)

    @property
    def interval_s(self) -> float:
        """Length of an interval in seconds."""
        return self._interval_s

    def begin(self, model_id: str, probation: Probation, baseline: Baseline | None, now: float, delivered: int) -> None:
        """A model on probation classifies faces from now on.

        Args:
            model_id: Which.
            probation: How long it has served, and how slow it may be.
            baseline: How the device did without it.
            now: Monotonic seconds.
            delivered: Frames the camera has delivered so far.
        """
        self._model_id, self._on_probation = model_id, True
        self._compared_with, self._max_slowdown = baseline, probation.max_slowdown
        self._served_s = self._reported_s = probation.served_s
        self._consecutive_failures = 0
        self._begin_interval(now, delivered)

    def proven(self, now: float, delivered: int) -> None:
        """A model that needs no probation classifies faces from now on."""
        self._on_probation = False
        self._intervals.clear()
        self._begin_interval(now, delivered)

    def count(self, turn: Turn, now: float) -> Outcome | None:
        """Take note of one turn; ``now`` in monotonic seconds."""
        observation, delivered = turn.observation, turn.delivered
        self._shed = self._shed or turn.shedding
        if observation is not None and observation.stage_ms:
            self._frames += 1
            self._faces += observation.classified
            self._classify_ms += observation.classify_cpu_ms
        if observation is not None and observation.failure is not None and self._on_probation:
            return self._give_up(f"classifying faces failed: {observation.failure.reason}")
        if now - self._since < self._interval_s:
            return None
        interval = Interval(
            now - self._since, self._frames, delivered - self._delivered, self._faces, self._classify_ms
        )
        shed = self._shed
        self._begin_interval(now, delivered)
        if shed:
            return None
        if self._on_probation:
            return self._judge(interval)
        self._intervals.append(interval)
        self.baseline = baseline_of(list(self._intervals)) or self.baseline
        return None

    def _judge(self, interval: Interval) -> Outcome | None:
        reason = regression(self._compared_with, interval, self._max_slowdown, exact=self._exact)
        if reason is not None:
            self._consecutive_failures += 1
            if self._consecutive_failures >= MAX_CONSECUTIVE_FAILURES:
                return self._give_up(reason)
        else:
            self._consecutive_failures = 0
            self._served_s += interval.seconds if interval.frames else 0.0
        if self._served_s >= self._probation_s:
            self._on_probation = False
            return Outcome(self._model_id, self._served_s, passed=True)
        if self._served_s - self._reported_s >= self._probation_s / 10:
            self._reported_s = self._served_s
            return Outcome(self._model_id, self._served_s)
        return None

    def _give_up(self, reason: str) -> Outcome:
        self._on_probation = False
        return Outcome(self._model_id, self._served_s, regression=reason)

    def _begin_interval(self, now: float, delivered: int) -> None:
        self._since, self._delivered = now, delivered
        self._frames = self._faces = 0
        self._shed = False
        self._classify_ms: float = 0.0
