"""The temperature, the cross-fitted calibration error, and the floor of confidence, on predictions made for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.vision.classifier import softmax
from train.measure.calibration import (
    Abstention,
    calibrate,
    calibration_error,
    choose_floor,
    fit_temperature,
    risk_coverage,
)


def drawn(scores: NDArray[np.float32], temperature: float, seed: int = 3) -> NDArray[np.int64]:
    """Labels drawn by the probabilities of the scores at a temperature: with it, they are perfectly calibrated."""
    chances = np.random.default_rng(seed).random((len(scores), 1))
    found = (np.cumsum(softmax(scores, temperature), axis=1) < chances).sum(axis=1)
    return np.asarray(found.clip(max=scores.shape[1] - 1), np.int64)


def logits(count: int, seed: int = 2) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 3, (count, 5)).astype(np.float32)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.7])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    scores = logits(10_000)

    assert fit_temperature(scores, drawn(scores, temperature)) == pytest.approx(temperature, rel=0.05)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000))
def test_no_other_temperature_explains_the_labels_better(seed: int) -> None:
    scores, labels = logits(60, seed), np.random.default_rng(seed).integers(0, 5, 60)

    targets = np.full((60, 5), 1 / 5 / 61) + np.eye(5)[labels] * 60 / 61

    def loss(temperature: float) -> float:
        scaled = scores.astype(np.float64) / temperature
        return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - (targets * scaled).sum(axis=1)))

    best = fit_temperature(scores, labels)

    assert all(loss(best) <= loss(other) + 1e-6 for other in np.geomspace(0.05, 20, 50))


def test_doubled_logits_need_double_the_temperature() -> None:
    scores = logits(500)
    labels = np.random.default_rng(1).integers(0, 5, 500)
    labels[:400] = scores[:400].argmax(axis=1)

    assert fit_temperature(2 * scores, labels) == pytest.approx(2 * fit_temperature(scores, labels), rel=1e-4)


def test_few_faces_that_are_all_classified_correctly_make_no_model_that_is_always_certain() -> None:
    scores = logits(30) / np.float32(3)
    certainty = softmax(scores, fit_temperature(scores, scores.argmax(axis=1))).max(axis=1)

    assert certainty.mean() < 1 - 1 / 31


def test_many_faces_that_are_all_classified_correctly_make_it_more_confident() -> None:
    few, many = (fit_temperature(scores, scores.argmax(axis=1)) for scores in (logits(30), logits(3000)))

    assert many < few


def test_no_faces_fit_no_temperature() -> None:
    with pytest.raises(ValueError, match="no faces"):
        fit_temperature(logits(0), np.zeros(0, np.int64))


def test_a_calibrated_network_is_measured_at_what_chance_alone_gives() -> None:
    scores = logits(3000)

    fitted = calibrate(scores, drawn(scores, 2.0))

    assert fitted.cross_fitted_error == pytest.approx(fitted.error_by_chance, abs=0.01)
    assert fitted.error_without > 0.1


def test_chance_shrinks_with_more_faces() -> None:
    few, many = (calibrate(logits(count), drawn(logits(count), 1.0)) for count in (300, 6000))

    assert few.error_by_chance > 2 * many.error_by_chance


def test_an_error_no_temperature_can_mend_shows_above_chance() -> None:
    scores = logits(3000)
    labels = drawn(scores, 1.0)
    sure = softmax(scores).max(axis=1) > 0.9
    labels[sure] = np.random.default_rng(5).integers(0, 5, sure.sum())

    fitted = calibrate(scores, labels)

    assert fitted.cross_fitted_error > 2 * fitted.error_by_chance


def test_a_face_is_never_judged_with_the_temperature_it_helped_to_fit() -> None:
    scores = np.array([[4.0, 0.0], [4.0, 0.0]], np.float32)
    # Either half alone is one face: right, which asks for a confidence of 3/4, or wrong, for the highest temperature.
    fitted = calibrate(scores, np.array([0, 1]), halvings=3)

    right_by_the_wrong_one = softmax(scores[:1], 20.0).max()
    assert fitted.cross_fitted_error == pytest.approx(((1 - right_by_the_wrong_one) + 0.75) / 2, abs=1e-3)


def test_one_face_cannot_be_halved() -> None:
    with pytest.raises(InputError, match="held-out faces: got 1, expected 2 at least"):
        calibrate(logits(1), np.zeros(1, np.int64))


def test_the_calibration_error_is_the_distance_of_confidence_and_accuracy() -> None:
    probabilities = np.array([[0.9, 0.1]] * 4, np.float32)
    assert calibration_error(probabilities, np.array([0, 0, 0, 1])) == pytest.approx(0.15)


def test_a_higher_floor_covers_less() -> None:
    probabilities = np.array([[0.95, 0.05], [0.8, 0.2], [0.72, 0.28], [0.55, 0.45]], np.float32)

    none, half, high = risk_coverage(probabilities, np.array([0, 1, 0, 1]), (0.0, 0.7, 0.99))

    assert (none.coverage, none.accuracy, none.at_floor) == (1.0, 0.5, None)
    assert (half.coverage, half.accuracy, half.at_floor) == pytest.approx((0.75, 2 / 3, 1.0))
    assert (high.coverage, high.accuracy, high.at_floor) == (0.0, None, None)


def point(floor: float, coverage: float, accuracy: float | None) -> Abstention:
    return Abstention(floor=floor, coverage=coverage, accuracy=accuracy, at_floor=None)


def test_the_floor_is_where_right_answers_outweigh_wrong_ones_most() -> None:
    curve = [point(0.0, 1.0, 0.6), point(0.4, 0.8, 0.7), point(0.5, 0.7, 0.8), point(0.9, 0.2, 1.0)]
    assert choose_floor(curve) == 0.5  # 0.42 against 0.2, 0.32 and 0.2


def test_of_floors_that_differ_by_chance_alone_the_lowest_is_taken() -> None:
    assert choose_floor([point(0.4, 0.8, 0.7), point(0.45, 0.7, 0.795), point(0.5, 0.7, 0.8)]) == 0.45


def test_a_floor_that_lets_nothing_through_gains_nothing() -> None:
    assert choose_floor([point(0.3, 0.9, 0.7), point(0.99, 0.0, None)]) == 0.3
