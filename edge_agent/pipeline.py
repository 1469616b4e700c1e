"""What happens to a frame, from top to bottom: faces, tracks, expressions, events.

Every decision is made by a part that takes the frame's time as an argument, so a scene of minutes runs in a test in
milliseconds. Nothing here waits, sleeps, writes or sends.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from edge_agent.contract.crop import crop_face
from edge_agent.summary import SummaryWindow
from edge_agent.types import ExpressionChange, Frame, TrackedFace, WindowSummary
from edge_agent.vision.budget import choose
from edge_agent.vision.classifier import Classifier
from edge_agent.vision.detector import Detector
from edge_agent.vision.smoothing import Smoother
from edge_agent.vision.tracker import Tracker


@dataclass(frozen=True, slots=True)
class Observation:
    """What one frame gave.

    Attributes:
        faces: Every tracked face, with its stable expression or ``None`` before the first.
        changes: The events to publish, in order.
        summary: The window that closed with this frame, if one did.
        detected: Number of faces the detector found.
        read: Number of faces the classifier read.
        stage_ms: Milliseconds each stage took: ``detect``, ``track``, ``classify``, ``decide``.
    """

    faces: tuple[tuple[TrackedFace, str | None], ...]
    changes: tuple[ExpressionChange, ...]
    summary: WindowSummary | None
    detected: int = 0
    read: int = 0
    stage_ms: tuple[tuple[str, float], ...] = ()


class Pipeline:
    """Turns frames into observations. Holds the state of tracker, smoother and summary; one thread only.

    Args:
        detector: Finds faces.
        tracker: Follows them.
        classifier: Reads expressions.
        smoother: Decides which are stable.
        window: Sums the class up.
        faces_per_frame: Most faces to read in a frame.
        least_faces: With fewer faces present none is read: what is not to be told is not found out either.
    """

    def __init__(
        self,
        detector: Detector,
        tracker: Tracker,
        classifier: Classifier,
        smoother: Smoother,
        window: SummaryWindow,
        faces_per_frame: int,
        least_faces: int = 0,
    ) -> None:
        self._detector, self._tracker, self._classifier = detector, tracker, classifier
        self._smoother, self._window, self._faces_per_frame = smoother, window, faces_per_frame
        self._least_faces = least_faces

    def step(self, frame: Frame) -> Observation:
        """Observe one frame."""
        now = frame.captured_at
        watch = _Stopwatch()

        detections = self._detector.detect(frame.image)
        watch.lap("detect")

        update = self._tracker.update(detections, now)
        budget = self._faces_per_frame if len(update.present) >= self._least_faces else 0
        chosen = choose(update.present, self._smoother.read_at, budget, now)
        watch.lap("track")

        crops = [
            crop_face(frame.image, face.box.left, face.box.top, face.box.side, self._classifier.channels)
            for face in chosen
        ]
        probabilities = self._classifier.predict(np.stack(crops)) if crops else ()
        watch.lap("classify")

        changes = [self._smoother.end(face.track, face.box, now) for face in update.ended]
        for face, reading in zip(chosen, probabilities, strict=True):
            changes.append(self._smoother.update(face.track, reading, face.box, now))
        faces = tuple((face, self._smoother.stable(face.track)) for face in update.present)
        summary = self._window.add([expression for _, expression in faces], now)
        watch.lap("decide")

        return Observation(
            faces=faces,
            changes=tuple(change for change in changes if change is not None),
            summary=summary,
            detected=len(detections),
            read=len(chosen),
            stage_ms=tuple(watch.laps),
        )

    def without_frame(self, now: float) -> Observation:
        """Let time pass while no frame comes: faces are forgotten and windows close as they would otherwise."""
        update = self._tracker.update([], now)
        ended = [self._smoother.end(face.track, face.box, now) for face in update.ended]
        return Observation(
            faces=tuple((face, self._smoother.stable(face.track)) for face in update.present),
            changes=tuple(change for change in ended if change is not None),
            summary=self._window.close_if_due(now),
        )


class _Stopwatch:
    """Measures stages for the health report; no decision depends on it."""

    def __init__(self) -> None:
        self.laps: list[tuple[str, float]] = []
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps.append((stage, (now - self._last) * 1000.0))
        self._last = now
