"""Frames in, events out: whole scenes of the simulated classroom through the real detector and the bundled model."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest

from edge_agent.config import DetectorSettings, Settings
from edge_agent.model_format.bundle import pack_bundle, unpack_bundle
from edge_agent.pipeline import Observation, Pipeline
from edge_agent.privacy.summary import SummaryWindow
from edge_agent.simulate import SimulatedClassroom
from edge_agent.types import ChangeKind, ExpressionChange, Frame, WindowSummary
from edge_agent.vision.classifier import Classifier
from edge_agent.vision.detector import open_detector
from edge_agent.vision.face_finder import FaceFinder
from edge_agent.vision.resting_face import RestingFaces
from edge_agent.vision.smoothing import Smoother
from edge_agent.vision.tracker import Tracker, random_ids
from tests.support.tflite_models import dense_model, metadata

FPS = 5.0


def make_pipeline(faces_per_frame: int = 8, classifier: Classifier | None = None) -> Pipeline:
    settings = Settings()
    classifier = classifier or Classifier.load()
    return Pipeline(
        FaceFinder(open_detector(DetectorSettings(kind="haar"))),
        Tracker(settings.tracker, random_ids()),
        classifier,
        RestingFaces(classifier.labels, settings.resting_face),
        Smoother(classifier.labels, settings.smoothing),
        SummaryWindow(settings.summary.window_s, min_group=2),
        faces_per_frame,
    )


@dataclass
class Lesson:
    """What a scene gave."""

    observations: list[Observation] = field(default_factory=list)

    @property
    def changes(self) -> list[ExpressionChange]:
        return [change for observation in self.observations for change in observation.changes]

    @property
    def summaries(self) -> list[WindowSummary]:
        return [seen.summary for seen in self.observations if seen.summary is not None]


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    """Twelve seconds with four people, then an empty classroom."""
    scene = SimulatedClassroom(4, 640, 480, seed=3)
    pipeline = make_pipeline()
    result = Lesson()
    for index in range(int(12 * FPS)):
        result.observations.append(pipeline.step(Frame(scene.render(index / FPS), 100.0 + index / FPS, index)))
    for step in range(20):
        result.observations.append(pipeline.without_frame(112.0 + step / FPS))
    return result


def test_every_track_starts_before_it_changes_and_ends_once(lesson: Lesson) -> None:
    kinds: dict[str, list[ChangeKind]] = {}
    for change in lesson.changes:
        kinds.setdefault(change.track, []).append(change.kind)
    assert kinds
    for sequence in kinds.values():
        assert sequence[0] is ChangeKind.START
        assert sequence[-1] is ChangeKind.END
        assert all(kind is ChangeKind.CHANGE for kind in sequence[1:-1])


def test_each_change_names_the_expression_published_before_it(lesson: Lesson) -> None:
    last: dict[str, str] = {}
    for change in lesson.changes:
        assert change.previous == last.get(change.track)
        last[change.track] = change.expression


def test_a_class_is_followed_and_classified_at_one_frame_a_second() -> None:
    scene = SimulatedClassroom(4, 640, 480, seed=3)
    pipeline = make_pipeline()
    for second in range(6):
        seen = pipeline.step(Frame(scene.render(second), float(second), second))
        for quarter in (0.25, 0.5, 0.75):
            pipeline.without_frame(second + quarter)
    assert len(seen.faces) == 4
    assert any(stable is not None for _, stable in seen.faces)


def test_nobody_is_left_once_frames_stop_coming(lesson: Lesson) -> None:
    assert lesson.observations[-1].faces == ()


def test_summaries_come_once_a_window(lesson: Lesson) -> None:
    starts = [summary.started_at for summary in lesson.summaries]
    assert len(starts) >= 2
    assert all(later - earlier >= 5.0 for earlier, later in itertools.pairwise(starts))


def test_no_frame_classifies_more_faces_than_the_budget_and_all_get_their_turn() -> None:
    scene = SimulatedClassroom(6, 800, 600, seed=5)
    pipeline = make_pipeline(faces_per_frame=1)
    observations = [pipeline.step(Frame(scene.render(index / FPS), index / FPS, index)) for index in range(60)]
    assert max(observation.classified for observation in observations) == 1
    with_expression = Counter(face.track for seen in observations for face, stable in seen.faces if stable is not None)
    assert len(with_expression) >= 4


def test_a_black_frame_gives_nothing() -> None:
    observation = make_pipeline().step(Frame(np.zeros((480, 640, 3), np.uint8), 0.0, 0))
    assert (observation.faces, observation.changes, observation.detected) == ((), (), 0)


def test_while_the_camera_shows_nothing_nothing_is_said() -> None:
    scene, pipeline = SimulatedClassroom(4, 640, 480, seed=3), make_pipeline()
    for index in range(20):
        before = pipeline.step(Frame(scene.render(index / FPS), index / FPS, index))
    assert any(stable is not None for _, stable in before.faces)
    blind = [pipeline.blind_frame(4.0 + step / FPS) for step in range(60)]
    ended = [change for seen in blind for change in seen.changes]
    assert {change.kind for change in ended} == {ChangeKind.END}
    assert {change.observed_at for change in ended} == {4.0}
    assert all(stable is None for seen in blind for _, stable in seen.faces)
    assert blind[-1].faces == ()
    summaries = [seen.summary for seen in blind if seen.summary is not None]
    assert len(summaries) >= 2
    assert all(summary.shares is None and summary.suppressed for summary in summaries)
    for index in range(100, 140):
        after = pipeline.step(Frame(scene.render(index / FPS), index / FPS, index))
    assert any(stable is not None for _, stable in after.faces)


def test_while_the_picture_is_turned_faces_are_followed_and_counted_but_nothing_is_said_of_them() -> None:
    scene, pipeline = SimulatedClassroom(4, 640, 480, seed=3), make_pipeline()

    def watch(first: int, end: int, *, turned: bool) -> list[Observation]:
        frames = [Frame(scene.render(index / FPS), index / FPS, index) for index in range(first, end)]
        return [pipeline.step(frame, turned=turned) for frame in frames]

    before = watch(0, 20, turned=False)[-1]
    assert any(stable is not None for _, stable in before.faces)
    seen = watch(20, 90, turned=True)
    assert {change.kind for one in seen for change in one.changes} == {ChangeKind.END}
    assert {change.observed_at for one in seen for change in one.changes} == {20 / FPS}
    assert all(one.faces and not one.classified for one in seen)
    assert all(stable is None for one in seen for _, stable in one.faces)
    assert all(one.unread == ("turned",) * one.detected for one in seen)
    assert all(one.search is not None for one in seen)
    summaries = [one.summary for one in seen if one.summary is not None]
    assert summaries
    assert all(summary.faces is None and summary.shares is None and summary.suppressed for summary in summaries)
    after = watch(90, 110, turned=False)[-1]
    assert any(stable is not None for _, stable in after.faces)
    assert {face.track for face, _ in after.faces} & {face.track for face, _ in before.faces}


def test_until_the_picture_is_known_to_be_upright_faces_are_followed_and_none_is_classified() -> None:
    scene, pipeline = SimulatedClassroom(4, 640, 480, seed=3), make_pipeline()

    def watch(first: int, end: int, *, judged: bool) -> list[Observation]:
        frames = [Frame(scene.render(index / FPS), index / FPS, index) for index in range(first, end)]
        return [pipeline.step(frame, judged=judged) for frame in frames]

    seen = watch(0, 20, judged=False)
    assert seen[-1].faces
    assert not any(one.classified or one.changes or one.unread for one in seen)
    after = watch(20, 40, judged=True)[-1]
    assert any(stable is not None for _, stable in after.faces)
    assert {face.track for face, _ in after.faces} & {face.track for face, _ in seen[-1].faces}


def test_faces_in_the_dark_before_a_bright_window_are_uncertain_and_counted() -> None:
    scene, pipeline = SimulatedClassroom(4, 640, 480, seed=3), make_pipeline()
    bright = [pipeline.step(Frame(scene.render(index / FPS), index / FPS, index)) for index in range(15)]
    assert not [reason for seen in bright for reason in seen.unread]
    observations = []
    for index in range(15, 40):
        image = (scene.render(index / FPS) * 0.06).astype(np.uint8)
        image[:60] = 250
        observations.append(pipeline.step(Frame(image, index / FPS, index)))
    stable_labels = {stable for _, stable in observations[-1].faces}
    assert stable_labels <= {"uncertain"}
    if stable_labels:  # a search that still finds them in the dark
        assert {reason for seen in observations for reason in seen.unread} == {"dim"}
    assert observations[-1].classified == 0


def test_a_model_whose_answers_are_no_numbers_classifies_nobody_and_is_reported() -> None:
    weights = np.full((7, 48 * 48), np.nan, np.float32)
    model = Classifier(unpack_bundle(pack_bundle(dense_model(weights), metadata()), "broken"))
    scene, pipeline = SimulatedClassroom(4, 640, 480, seed=3), make_pipeline(classifier=model)
    seen = [pipeline.step(Frame(scene.render(index / FPS), index / FPS, index)) for index in range(10)]
    assert any(observation.failure is not None and "no number" in observation.failure.reason for observation in seen)
    assert not [change for observation in seen for change in observation.changes]


def test_every_stage_is_timed() -> None:
    observation = make_pipeline().step(Frame(np.zeros((120, 160, 3), np.uint8), 0.0, 0))
    assert [stage for stage, _ in observation.stage_ms] == ["detect", "track", "classify", "decide"]
