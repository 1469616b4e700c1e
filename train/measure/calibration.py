"""Calibration of confidences: the temperature, the calibration error, and what abstaining gains.

Everything here is a pure function of logits or probabilities and labels, whatever network they come from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.vision.classifier import softmax
from train.measure.evaluate import calibration_bins, expected_calibration_error

FLOORS = tuple(round(0.05 * step, 2) for step in range(20))
"""Floors of confidence at which a risk-coverage curve is computed."""

_MIN_TEMPERATURE, _MAX_TEMPERATURE = 0.05, 20.0
_GOLDEN_SECTION = (math.sqrt(5) - 1) / 2


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """How well confidences match accuracy; errors are expected calibration errors over 15 bins, shares from 0 to 1.

    Attributes:
        temperature: Fitted on all the faces.
        error: With that temperature, on the same faces.
        cross_fitted_error: With the temperature fitted on one half and measured on the other, both ways, so that every
            face counts once. It is the mean over several random halvings.
        error_by_chance: Mean error that a perfectly calibrated network with these confidences would show on as many
            faces. The bins' accuracies scatter by chance, and the error counts this scatter as error. A smaller error
            cannot be distinguished from none.
        error_without: With temperature 1.
    """

    temperature: float
    error: float
    cross_fitted_error: float
    error_by_chance: float
    error_without: float


class Abstention(msgspec.Struct, frozen=True, kw_only=True):
    """Coverage and accuracy at one floor of confidence.

    Attributes:
        floor: Below it the answer is ``uncertain``.
        coverage: Share of faces that get an answer.
        accuracy: Share of the answers that is correct; None where there is none.
        at_floor: The same among answers less than 0.05 above the floor, the least confident ones that are given.
    """

    floor: float
    coverage: float
    accuracy: float | None
    at_floor: float | None


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Fit the temperature with the smallest negative log likelihood.

    The method is Guo et al. 2017, "On Calibration of Modern Neural Networks". The search is by golden section over the
    temperature's logarithm, where the negative log likelihood has one minimum. Targets are softened as in Platt 1999,
    "Probabilistic Outputs for Support Vector Machines": one label in ``N + 1`` counts as drawn at random. So a few
    faces that are all classified correctly do not make a network that is always certain. With thousands of faces the
    temperature hardly changes.

    Args:
        logits: ``float32 (N, K)`` of the quantized model, on faces it was not trained on.
        labels: ``int64 (N,)``.

    Returns:
        A number from 0.05 to 20, by which logits are divided.

    Raises:
        ValueError: There are no rows.
    """
    if len(labels) == 0:
        raise ValueError("got no faces to fit a temperature on")
    rows = np.arange(len(labels))
    scores = logits.astype(np.float64)
    scores -= scores.max(axis=1, keepdims=True)

    classes = scores.shape[1]
    spread = 1.0 / (classes * (len(labels) + 1))
    explained = (1.0 - classes * spread) * scores[rows, labels] + spread * scores.sum(axis=1)

    def loss(log_temperature: float) -> float:
        temperature = math.exp(log_temperature)
        return float(np.mean(np.log(np.exp(scores / temperature).sum(axis=1)) - explained / temperature))

    low, high = math.log(_MIN_TEMPERATURE), math.log(_MAX_TEMPERATURE)
    left, right = high - _GOLDEN_SECTION * (high - low), low + _GOLDEN_SECTION * (high - low)
    at_left, at_right = loss(left), loss(right)
    while high - low > 1e-6:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN_SECTION * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN_SECTION * (high - low)
            at_right = loss(right)
    return math.exp((low + high) / 2)


def calibration_error(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Expected calibration error (Guo et al. 2017) over 15 equally wide bins of confidence, 0 to 1."""
    given = probabilities.astype(np.float64)
    return expected_calibration_error(calibration_bins(given.max(axis=1), given.argmax(axis=1) == labels))


def calibrate(
    logits: NDArray[np.float32], labels: NDArray[np.int64], *, halvings: int = 10, seed: int = 0
) -> Calibration:
    """Fit a temperature and measure the calibration error with it, on the faces it was fitted on and on others.

    Args:
        logits: ``float32 (N, K)`` of the model as it runs on the device.
        labels: ``int64 (N,)``, N at least 2.
        halvings: Number of random halvings over which the cross-fitted error is averaged.
        seed: Of the halvings, and of the random labels for ``error_by_chance``.

    Raises:
        InputError: There are fewer than two rows.
    """
    if len(labels) < 2:
        raise InputError(
            "held-out faces",
            received=len(labels),
            expected="2 at least, for a temperature",
            remedy="Hold out more images",
        )
    random = np.random.default_rng(seed)
    temperature = fit_temperature(logits, labels)
    fitted = softmax(logits, temperature)
    crossed = [_cross_fitted(logits, labels, random.permutation(len(labels))) for _ in range(halvings)]
    drawn = [calibration_error(fitted, _draw_labels(fitted, random)) for _ in range(20)]
    return Calibration(
        temperature=temperature,
        error=calibration_error(fitted, labels),
        cross_fitted_error=float(np.mean(crossed)),
        error_by_chance=float(np.mean(drawn)),
        error_without=calibration_error(softmax(logits), labels),
    )


def risk_coverage(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], floors: Sequence[float] = FLOORS
) -> tuple[Abstention, ...]:
    """Compute coverage and accuracy at each floor of confidence.

    Args:
        probabilities: ``float32 (N, K)``, calibrated, N at least 1.
        labels: ``int64 (N,)``.
        floors: Confidences below which no answer is given.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    found = []
    for floor in floors:
        given = confidence >= floor
        at_floor = given & (confidence < floor + 0.05)
        found.append(
            Abstention(
                floor=floor,
                coverage=float(given.mean()),
                accuracy=float(correct[given].mean()) if given.any() else None,
                at_floor=float(correct[at_floor].mean()) if at_floor.any() else None,
            )
        )
    return tuple(found)


def choose_floor(curve: Sequence[Abstention], tolerance: float = 0.01) -> float:
    """Choose the best floor of a risk-coverage curve, if a correct answer gains as much as a wrong one costs.

    The gain is the share of faces answered correctly minus the share answered wrongly. It is flat around its maximum
    and scatters by chance. So of the floors whose gain is within ``tolerance`` of the maximum the lowest is chosen,
    which answers the most faces.
    """
    gains = {
        point.floor: 0.0 if point.accuracy is None else point.coverage * (2 * point.accuracy - 1) for point in curve
    }
    return min(floor for floor, gain in gains.items() if gain >= max(gains.values()) - tolerance)


def _cross_fitted(logits: NDArray[np.float32], labels: NDArray[np.int64], shuffled: NDArray[np.int64]) -> float:
    """The error over all faces, each with the temperature that was fitted on the other half."""
    middle = len(shuffled) // 2
    probabilities = np.empty(logits.shape, np.float32)
    for here, there in ((shuffled[:middle], shuffled[middle:]), (shuffled[middle:], shuffled[:middle])):
        probabilities[there] = softmax(logits[there], fit_temperature(logits[here], labels[here]))
    return calibration_error(probabilities, labels)


def _draw_labels(probabilities: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.int64]:
    """Draw one label for each row by the row's probabilities."""
    chances = random.random((len(probabilities), 1))
    above = np.cumsum(probabilities.astype(np.float64), axis=1) < chances
    return np.asarray(above.sum(axis=1).clip(max=probabilities.shape[1] - 1), np.int64)
