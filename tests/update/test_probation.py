"""When a model on probation counts as worse, by intervals of a lesson; no clock, no camera."""

from __future__ import annotations

import pytest

from edge_agent.pipeline import ClassificationFailed, Observation
from edge_agent.update.probation import Interval, Outcome, ProbationMonitor, Turn, baseline_of, regression
from edge_agent.update.state import Baseline, Probation

BASELINE = Baseline(frame_share=0.9, face_ms=2.0)


def interval(frames: int = 90, delivered: int = 100, faces: int = 200, face_ms: float = 2.0) -> Interval:
    return Interval(10.0, frames, delivered, faces, faces * face_ms)


class Lesson:
    """A device at ten frames a second, of which ``looked_at`` are looked at, with four faces in each."""

    def __init__(self, probation_s: float = 60.0) -> None:
        self.monitor = ProbationMonitor(probation_s, now=0.0)
        self.now, self.delivered = 0.0, 0
        self._owed = 0.0

    def goes_on(
        self,
        seconds: float,
        *,
        looked_at: float = 1.0,
        face_ms: float = 2.0,
        delivered: bool = True,
        failure: str | None = None,
        shedding: bool = False,
    ) -> list[Outcome]:
        """What the monitor finds meanwhile."""
        found = []
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.delivered += delivered
            self._owed += looked_at if delivered else 0.0
            seen = self._owed >= 1.0
            self._owed -= seen
            observation = Observation(
                faces=(),
                changes=(),
                summary=None,
                classified=4 if seen else 0,
                failure=None if failure is None else ClassificationFailed(failure),
                stage_ms=(("detect", 1.0),) if seen else (),
                classify_cpu_ms=4 * face_ms if seen else 0.0,
            )
            outcome = self.monitor.count(Turn(observation, self.delivered, shedding), self.now)
            found += [] if outcome is None else [outcome]
        return found

    def begins(self, baseline: Baseline | None = BASELINE, served_s: float = 0.0) -> None:
        probation = Probation(max_slowdown=1.5, served_s=served_s)
        self.monitor.begin("new", probation, baseline, self.now, self.delivered)


def test_a_lesson_like_the_baseline_is_not_worse() -> None:
    assert regression(BASELINE, interval(), 1.5) is None


def test_a_slower_face_within_what_the_manifest_allows_is_not_worse() -> None:
    assert regression(BASELINE, interval(face_ms=2.9), 1.5) is None


def test_a_much_slower_face_is_worse() -> None:
    assert regression(BASELINE, interval(face_ms=6.0), 1.5) == "a face took 6.0 ms, 2.0 ms before"


def test_missing_frames_is_worse() -> None:
    assert regression(BASELINE, interval(frames=40), 1.5) == "looked at 40% of the camera's frames, 90% before"


def test_a_reason_that_may_not_tell_how_many_faces_there_are_names_no_figures() -> None:
    for worse in (interval(face_ms=6.0), interval(frames=40)):
        reason = regression(BASELINE, worse, 1.5, exact=False)
        assert reason is not None
        assert not any(letter.isdigit() for letter in reason)


@pytest.mark.parametrize("few", [interval(frames=0, delivered=0, faces=0), interval(frames=1, delivered=2)])
def test_without_frames_nothing_is_said(few: Interval) -> None:
    assert regression(BASELINE, few, 1.5) is None


def test_an_empty_room_is_not_worse_than_a_full_one() -> None:
    assert regression(BASELINE, interval(faces=0), 1.5) is None


def test_the_baseline_is_not_known_before_a_camera_delivered() -> None:
    assert baseline_of([interval(frames=0, delivered=0, faces=0)]) is None
    assert baseline_of([interval(), interval(frames=80), interval(frames=0, delivered=0)]) == Baseline(
        frame_share=0.85, face_ms=2.0
    )


def test_a_model_that_does_as_well_is_through_after_its_probation() -> None:
    lesson = Lesson()
    assert lesson.goes_on(30) == []
    lesson.begins(lesson.monitor.baseline)
    outcomes = lesson.goes_on(70)
    assert [outcome.passed for outcome in outcomes].count(True) == 1
    assert outcomes[-1].served_s == pytest.approx(60, abs=4)


def test_a_model_that_makes_the_device_miss_frames_is_found_out_within_seconds() -> None:
    lesson = Lesson()
    lesson.begins()
    (outcome,) = lesson.goes_on(12, looked_at=0.3)
    assert (outcome.model_id, outcome.passed) == ("new", False)
    assert "of the camera's frames" in str(outcome.regression)


def test_a_moments_load_is_forgiven() -> None:
    lesson = Lesson()
    lesson.begins()
    found = lesson.goes_on(6, looked_at=0.3) + lesson.goes_on(3.1) + lesson.goes_on(6, looked_at=0.3)
    assert not [outcome for outcome in found if outcome.regression]


def test_a_failed_inference_is_worse_at_once() -> None:
    lesson = Lesson()
    lesson.begins()
    found = lesson.goes_on(1, failure="gather index out of bounds")
    assert [outcome.regression for outcome in found] == ["classifying faces failed: gather index out of bounds"]


def test_a_closed_camera_proves_nothing() -> None:
    lesson = Lesson()
    lesson.begins()
    assert lesson.goes_on(300, delivered=False) == []


def test_frames_left_out_to_spare_a_hot_board_are_not_held_against_the_model() -> None:
    lesson = Lesson()
    lesson.begins()
    assert lesson.goes_on(60, looked_at=0.3, shedding=True) == []


def test_time_served_before_a_restart_counts() -> None:
    lesson = Lesson()
    lesson.begins(served_s=55.0)
    assert [outcome.passed for outcome in lesson.goes_on(10)].count(True) == 1


def test_without_a_baseline_only_failures_count() -> None:
    lesson = Lesson()
    lesson.begins(baseline=None)
    assert not [outcome for outcome in lesson.goes_on(20, looked_at=0.1) if outcome.regression]
