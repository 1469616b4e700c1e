"""What happens to a frame, from top to bottom: faces, tracks, expressions, events.

Every decision is made by a part that takes the frame's time as an argument, so a scene of minutes runs in a test in
milliseconds. Nothing here waits, sleeps, writes or sends.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_agent.config import Settings
from edge_agent.errors import ModelError
from edge_agent.model_format.crop import crop_face
from edge_agent.privacy.disclosure import DisclosureControl
from edge_agent.privacy.summary import SummaryWindow
from edge_agent.types import ExpressionChange, Frame, TrackedFace, WindowSummary
from edge_agent.vision.budget import choose_faces
from edge_agent.vision.classifier import Classifier
from edge_agent.vision.detector import Detector
from edge_agent.vision.face_finder import FaceFinder
from edge_agent.vision.orientation import TURNED
from edge_agent.vision.readability import LandmarkMemory, trouble
from edge_agent.vision.region import edges_of
from edge_agent.vision.resting_face import RestingFaces
from edge_agent.vision.search_plan import Search
from edge_agent.vision.smoothing import Smoother
from edge_agent.vision.tracker import Tracker, TrackUpdate, random_ids
from edge_agent.vision.zones import Zones


@dataclass(frozen=True, slots=True)
class ClassificationFailed:
    """Why the chosen faces of a frame could not be classified."""

    reason: str


@dataclass(frozen=True, slots=True)
class Observation:
    """What one frame gave.

    Attributes:
        faces: Every tracked face, with its stable expression or ``None`` before the first.
        changes: The events to publish, in order.
        summary: The window that closed with this frame, if one did.
        detected: Number of faces that the detector found, or that were followed, in this frame.
        search: Where the frame was searched for faces, and why; ``None`` without a frame.
        search_cpu_ms: Milliseconds of this thread's processor time that the search took.
        classified: Number of faces the classifier took.
        unread: Why no expression can be read from a face, once for each face to which that applies.
        stage_ms: Milliseconds each stage took: ``detect``, ``track``, ``classify``, ``decide``.
        classify_cpu_ms: Milliseconds of this thread's processor time that the classifier took, whatever else the
            machine did meanwhile.
        failure: Why the chosen faces could not be classified; ``None`` where they could.
    """

    faces: tuple[tuple[TrackedFace, str | None], ...]
    changes: tuple[ExpressionChange, ...]
    summary: WindowSummary | None
    detected: int = 0
    search: Search | None = None
    search_cpu_ms: float = 0.0
    classified: int = 0
    unread: tuple[str, ...] = ()
    stage_ms: tuple[tuple[str, float], ...] = ()
    classify_cpu_ms: float = 0.0
    failure: ClassificationFailed | None = None


class Pipeline:
    """Turns frames into observations. Holds the state of tracker, smoother and summary; one thread only.

    Args:
        finder: Finds faces, where a frame has to be searched for them.
        tracker: Follows them.
        classifier: Gives each face its probabilities.
        resting_faces: Takes off what a face looks like at rest.
        smoother: Decides which expressions are stable.
        summary_window: Sums the class up.
        faces_per_frame: At most so many faces are classified in a frame.
        min_faces: With fewer faces present none is classified: what may not be published is not found out either.
    """

    def __init__(
        self,
        finder: FaceFinder,
        tracker: Tracker,
        classifier: Classifier,
        resting_faces: RestingFaces,
        smoother: Smoother,
        summary_window: SummaryWindow,
        faces_per_frame: int,
        min_faces: int = 0,
    ) -> None:
        self._finder, self._tracker, self._classifier = finder, tracker, classifier
        self._resting_faces, self._smoother = resting_faces, smoother
        self._summary_window, self._faces_per_frame = summary_window, faces_per_frame
        self._min_faces = min_faces
        self._present: tuple[TrackedFace, ...] = ()
        self._landmarks = LandmarkMemory()

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        detector: Detector,
        classifier: Classifier,
        *,
        disclosure: DisclosureControl | None = None,
        min_faces: int = 0,
    ) -> Pipeline:
        """Put the parts together as the settings say.

        Args:
            settings: Of the agent.
            detector: Finds faces in a frame.
            classifier: Gives each face its probabilities.
            disclosure: Decides about the figures of summaries, where single members of the group are protected.
            min_faces: With fewer faces present none is classified.
        """
        return cls(
            FaceFinder(detector, every_frame=settings.detector.every_frame, zones=Zones.of(settings.detector)),
            Tracker(settings.tracker, random_ids()),
            classifier,
            RestingFaces(classifier.labels, settings.resting_face),
            Smoother(classifier.labels, settings.smoothing),
            SummaryWindow(settings.summary.window_s, settings.privacy.min_group, disclosure),
            settings.classifier.faces_per_frame,
            min_faces,
        )

    def use(
        self, classifier: Classifier, resting_faces: RestingFaces, smoother: Smoother, now: float
    ) -> tuple[ExpressionChange, ...]:
        """Let another model classify faces from the next frame on; to be called between two.

        Args:
            classifier: The model.
            resting_faces: Fresh ones, for another model reads the same face otherwise.
            smoother: A fresh one for its labels. It takes over where they differ from those of the model before.
            now: Monotonic seconds.

        Returns:
            The last events of expressions that were stable, where labels differ: the new model may know others.
        """
        same = classifier.labels == self._classifier.labels
        self._classifier, self._resting_faces = classifier, resting_faces
        if same:
            return ()
        ended = [self._smoother.end(face.track, face.box, now) for face in self._present]
        self._smoother = smoother
        return tuple(change for change in ended if change is not None)

    def step(self, frame: Frame, *, turned: bool = False, judged: bool = True) -> Observation:
        """Observe one frame.

        Args:
            frame: What the camera sees.
            turned: Whether the picture is upside down or on its side. Some faces are found all the same, and would be
                misread. So they are followed, but nothing is said of them, and the window's figures are withheld.
            judged: Whether it is known that the picture is upright. Until then faces are followed and counted, and none
                is classified.
        """
        now = frame.captured_at
        stopwatch = _Stopwatch()

        found = self._finder.find(frame.image, self._tracker, now)
        stopwatch.lap("detect")

        update = self._tracker.update(found.detections, now, found.search.covers, edges_of(frame.image))
        self._present = tuple(update.present)
        self._landmarks.update(update.present, found.detections, now)
        enough = len(update.present) >= self._min_faces
        budget = self._faces_per_frame if enough and (judged or turned) else 0
        chosen = choose_faces(update.present, self._smoother.classified_at, budget, now)
        stopwatch.lap("track")
        if turned:
            seen = self._say_nothing(update, now)
            stopwatch.lap("decide")
            return replace(
                seen,
                detected=sum(face.last_seen_at >= now for face in update.present),
                search=found.search,
                search_cpu_ms=found.cpu_ms,
                unread=(TURNED,) * len(chosen),
                stage_ms=tuple(stopwatch.laps),
            )

        cropped = [
            crop_face(frame.image, face.box.left, face.box.top, face.box.side, self._classifier.channels)
            for face in chosen
        ]
        troubles = [trouble(crop, self._landmarks.of(face)) for face, crop in zip(chosen, cropped, strict=True)]
        unread = [(face, reason) for face, reason in zip(chosen, troubles, strict=True) if reason is not None]
        crops = [crop for crop, reason in zip(cropped, troubles, strict=True) if reason is None]
        chosen = [face for face, reason in zip(chosen, troubles, strict=True) if reason is None]
        failure: ClassificationFailed | None = None
        probabilities = np.empty((0, 0), np.float32)
        began_s = time.thread_time()
        try:
            if crops:
                probabilities = self._classifier.predict(np.stack(crops))
        # What interpreters raise, and an answer that is no number; tracks go on unclassified.
        except (RuntimeError, ValueError, MemoryError, ModelError) as error:
            failure, chosen = ClassificationFailed(str(error) or type(error).__name__), []
        classify_cpu_ms = (time.thread_time() - began_s) * 1000.0
        stopwatch.lap("classify")

        changes = self._end(update.ended, now)
        for face, answer in zip(chosen, probabilities, strict=True):
            scores = self._resting_faces.correct(face.track, answer, now)
            changes.append(self._smoother.update(face.track, scores, face.box, now))
        changes += [self._smoother.abstain(face.track, face.box, now) for face, _ in unread]
        faces = tuple((face, self._smoother.stable(face.track)) for face in update.present)
        with_baseline = sum(self._resting_faces.is_known(face.track) for face in update.present)
        summary = self._summary_window.add([expression for _, expression in faces], now, with_baseline)
        stopwatch.lap("decide")

        return Observation(
            faces=faces,
            changes=tuple(change for change in changes if change is not None),
            summary=summary,
            detected=sum(face.last_seen_at >= now for face in update.present),
            search=found.search,
            search_cpu_ms=found.cpu_ms,
            classified=len(chosen),
            unread=tuple(reason for _, reason in unread),
            stage_ms=tuple(stopwatch.laps),
            failure=failure,
            classify_cpu_ms=classify_cpu_ms,
        )

    def blind_frame(self, now: float) -> Observation:
        """Let time pass with a frame that shows nothing, of a camera that is dark or frozen.

        Nothing is said of anybody: every expression ends, and the window's figures are withheld.
        """
        update = self._tracker.wait(now)
        self._present = tuple(update.present)
        return self._say_nothing(update, now)

    def without_frame(self, now: float) -> Observation:
        """Let time pass while no frame comes: faces are forgotten and windows close as they would otherwise."""
        update = self._tracker.wait(now)
        self._present = tuple(update.present)
        ended = self._end(update.ended, now)
        return Observation(
            faces=tuple((face, self._smoother.stable(face.track)) for face in update.present),
            changes=tuple(change for change in ended if change is not None),
            summary=self._summary_window.close_if_due(now),
        )

    def _say_nothing(self, update: TrackUpdate, now: float) -> Observation:
        """What a frame gives in which no face can be judged: expressions end, and its window has no figures."""
        ended = self._end(update.ended, now)
        ended += [self._smoother.end(face.track, face.box, now) for face in update.present]
        return Observation(
            faces=tuple((face, None) for face in update.present),
            changes=tuple(change for change in ended if change is not None),
            summary=self._summary_window.add_blind(now),
        )

    def _end(self, faces: Sequence[TrackedFace], now: float) -> list[ExpressionChange | None]:
        """Forget faces that are gone; the last event of each that had an expression."""
        for face in faces:
            self._resting_faces.forget(face.track)
        return [self._smoother.end(face.track, face.box, now) for face in faces]

    def close_camera(self, now: float) -> WindowSummary:
        """The camera has been closed at ``now``: the last summary until it is opened again, without figures."""
        return self._summary_window.close_camera(now)


class _Stopwatch:
    """Measures stages for the health report; no decision depends on it."""

    def __init__(self) -> None:
        self.laps: list[tuple[str, float]] = []
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps.append((stage, (now - self._last) * 1000.0))
        self._last = now
