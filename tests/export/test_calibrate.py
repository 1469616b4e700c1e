"""Choosing calibration faces, and fitting the temperature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_agent.vision.classifier import softmax
from export.calibrate import choose_calibration, fit_temperature

LABELS = np.repeat(np.arange(4), [100, 100, 5, 100])


def numbered(count: int) -> NDArray[np.uint8]:
    """Faces that tell their row: its two bytes are the first two pixels."""
    faces = np.full((count, 48, 48, 1), 128, np.uint8)
    faces[:, 0, 0, 0], faces[:, 0, 1, 0] = np.arange(count) // 256, np.arange(count) % 256
    return faces


def rows_of(faces: NDArray[np.uint8]) -> NDArray[np.int64]:
    return faces[:-2, 0, 0, 0].astype(np.int64) * 256 + faces[:-2, 0, 1, 0]


def test_each_class_gives_alike_and_the_rare_one_all_it_has() -> None:
    chosen = choose_calibration(numbered(len(LABELS)), LABELS, count=65)

    np.testing.assert_array_equal(np.bincount(LABELS[rows_of(chosen)]), [20, 20, 5, 20])


def test_no_face_is_taken_twice() -> None:
    rows = rows_of(choose_calibration(numbered(len(LABELS)), LABELS, count=200))

    assert len(np.unique(rows)) == 200


def test_fewer_faces_than_asked_for_are_all_taken() -> None:
    assert len(choose_calibration(numbered(len(LABELS)), LABELS, count=10_000)) == len(LABELS) + 2


def test_the_seed_decides_the_drawing() -> None:
    faces = numbered(len(LABELS))

    np.testing.assert_array_equal(choose_calibration(faces, LABELS, 40), choose_calibration(faces, LABELS, 40))
    assert not np.array_equal(choose_calibration(faces, LABELS, 40), choose_calibration(faces, LABELS, 40, seed=1))


def test_calibration_spans_the_whole_range_of_levels() -> None:
    chosen = choose_calibration(np.full((9, 48, 48, 3), 77, np.uint8), np.zeros(9, np.int64))

    assert chosen.dtype == np.uint8
    assert (chosen.min(), chosen.max()) == (0, 255)


def logits(count: int, seed: int = 2) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 3, (count, 5)).astype(np.float32)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.7])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    scores = logits(10_000)
    chances = np.random.default_rng(3).random((len(scores), 1))
    labels = (np.cumsum(softmax(scores, temperature), axis=1) < chances).sum(axis=1)

    assert fit_temperature(scores, labels.clip(max=4)) == pytest.approx(temperature, rel=0.05)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000))
def test_no_other_temperature_explains_the_labels_better(seed: int) -> None:
    scores, labels = logits(60, seed), np.random.default_rng(seed).integers(0, 5, 60)

    def loss(temperature: float) -> float:
        scaled = scores.astype(np.float64) / temperature
        return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(60), labels]))

    best = fit_temperature(scores, labels)

    assert all(loss(best) <= loss(other) + 1e-6 for other in np.geomspace(0.05, 20, 50))


def test_doubled_logits_need_double_the_temperature() -> None:
    scores = logits(500)
    labels = np.random.default_rng(1).integers(0, 5, 500)
    labels[:400] = scores[:400].argmax(axis=1)

    assert fit_temperature(2 * scores, labels) == pytest.approx(2 * fit_temperature(scores, labels), rel=1e-4)


def test_a_model_that_is_always_right_gets_the_lowest_temperature() -> None:
    assert fit_temperature(logits(50), logits(50).argmax(axis=1)) == pytest.approx(0.05, rel=1e-3)


def test_no_faces_fit_no_temperature() -> None:
    with pytest.raises(ValueError, match="no faces"):
        fit_temperature(logits(0), np.zeros(0, np.int64))
