"""When readings of a face become a published expression."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_agent.config import SmoothingSettings
from edge_agent.model_format.labels import UNCERTAIN
from edge_agent.types import Box, ChangeKind, ExpressionChange
from edge_agent.vision.smoothing import Smoother

LABELS = ("happy", "sad", "neutral")
BOX = Box(10, 10, 48)
SETTINGS = SmoothingSettings(half_life_s=0.5, switch_margin=0.1, hold_s=0.6, uncertain_below=0.4, uncertain_band=0.05)


def reading(happy: float = 0.0, sad: float = 0.0, neutral: float = 0.0) -> NDArray[np.float32]:
    return np.array([happy, sad, neutral], np.float32)


def timeline(smoother: Smoother, readings: Iterable[NDArray[np.float32]], start: float = 0.0) -> list[ExpressionChange]:
    """Feed ten readings a second."""
    changes = [smoother.update("t1", row, BOX, start + index / 10) for index, row in enumerate(readings)]
    return [change for change in changes if change is not None]


def test_an_expression_starts_once_it_has_held() -> None:
    (start,) = timeline(Smoother(LABELS, SETTINGS), [reading(happy=0.9, neutral=0.1)] * 20)
    assert (start.kind, start.expression, start.previous, start.held_s) == (ChangeKind.START, "happy", None, 0.0)
    assert start.observed_at == pytest.approx(SETTINGS.hold_s)


def test_a_single_odd_reading_changes_nothing() -> None:
    steady = [reading(happy=0.9, neutral=0.1)] * 20
    changes = timeline(Smoother(LABELS, SETTINGS), [*steady, reading(sad=1.0), *steady])
    assert [change.kind for change in changes] == [ChangeKind.START]


def test_a_lasting_change_is_reported_with_what_came_before_and_how_long_it_held() -> None:
    smoother = Smoother(LABELS, SETTINGS)
    _, change = timeline(smoother, [*[reading(happy=1.0)] * 30, *[reading(sad=1.0)] * 30])
    assert (change.kind, change.expression, change.previous) == (ChangeKind.CHANGE, "sad", "happy")
    assert change.held_s == pytest.approx(change.observed_at - SETTINGS.hold_s)


def test_two_expressions_close_to_each_other_do_not_alternate() -> None:
    flicker = [reading(happy=0.52, sad=0.48), reading(happy=0.48, sad=0.52)] * 50
    assert len(timeline(Smoother(LABELS, SETTINGS), flicker)) == 1


def test_low_confidence_is_published_as_uncertain() -> None:
    (start,) = timeline(Smoother(LABELS, SETTINGS), [reading(0.36, 0.33, 0.31)] * 20)
    assert start.expression == UNCERTAIN
    assert start.confidence == pytest.approx(0.36, abs=1e-6)


def test_uncertain_is_left_only_above_its_band() -> None:
    smoother = Smoother(LABELS, SETTINGS)
    timeline(smoother, [reading(0.36, 0.33, 0.31)] * 20)
    just_over_the_floor = timeline(smoother, [reading(0.43, 0.30, 0.27)] * 40, start=2.0)
    clearly_over = timeline(smoother, [reading(0.60, 0.20, 0.20)] * 40, start=6.0)
    assert just_over_the_floor == []
    assert [change.expression for change in clearly_over] == ["happy"]


def test_the_end_names_the_last_expression_and_its_length() -> None:
    smoother = Smoother(LABELS, SETTINGS)
    timeline(smoother, [reading(happy=1.0)] * 20)
    end = smoother.end("t1", BOX, 5.0)
    assert end is not None
    assert (end.kind, end.expression) == (ChangeKind.END, "happy")
    assert end.held_s == pytest.approx(5.0 - SETTINGS.hold_s)


def test_a_face_that_never_became_stable_ends_silently() -> None:
    smoother = Smoother(LABELS, SETTINGS)
    timeline(smoother, [reading(happy=1.0)] * 2)
    assert smoother.end("t1", BOX, 1.0) is None


def test_sparse_readings_weigh_as_much_as_the_time_they_stand_for() -> None:
    dense, sparse = Smoother(LABELS, SETTINGS), Smoother(LABELS, SETTINGS)
    for index in range(41):
        dense.update("t1", reading(happy=1.0) if index == 0 else reading(sad=1.0), BOX, index / 20)
    for index in range(3):
        sparse.update("t1", reading(happy=1.0) if index == 0 else reading(sad=1.0), BOX, index * 1.0)
    ends = [smoother.end("t1", BOX, 3.0) for smoother in (dense, sparse)]
    assert ends[0] is not None
    assert ends[1] is not None
    assert ends[0].scores["sad"] == pytest.approx(ends[1].scores["sad"], abs=1e-6)


def test_scores_sum_to_one_after_any_history() -> None:
    smoother = Smoother(LABELS, SETTINGS)
    random = np.random.default_rng(3)
    changes = timeline(smoother, [random.dirichlet([1, 1, 1]).astype(np.float32) for _ in range(300)])
    assert changes
    assert all(sum(change.scores.values()) == pytest.approx(1.0, abs=1e-5) for change in changes)
