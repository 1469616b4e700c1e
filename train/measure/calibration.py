"""How far a confidence can be believed: the temperature, the calibration error, and what abstaining buys.

Everything here is a pure function of logits or probabilities and labels, whatever network they came from.
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
"""Floors of confidence that a risk-coverage curve is told at."""

_LOWEST_TEMPERATURE, _HIGHEST_TEMPERATURE = 0.05, 20.0
_GOLDEN = (math.sqrt(5) - 1) / 2


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """How well confidences match accuracy; errors are expected calibration errors over 15 bins, shares from 0 to 1.

    Attributes:
        temperature: Fitted on all the faces.
        error: With that temperature on the same faces.
        cross_fitted_error: Temperature from one half, measured on the other, both ways; every face counts once. The
            mean over several halvings, so that no lucky one decides.
        error_by_chance: What a perfectly calibrated network with these confidences would be measured at on so many
            faces: the bins' accuracies scatter, and the error counts scatter as error. None can be told from below it.
        error_without: With temperature 1.
    """

    temperature: float
    error: float
    cross_fitted_error: float
    error_by_chance: float
    error_without: float


class Abstention(msgspec.Struct, frozen=True, kw_only=True):
    """What one floor of confidence does.

    Attributes:
        floor: Under it the answer is ``uncertain``.
        coverage: Share of faces that get an answer.
        accuracy: Share of the answers that is right; None where there is none.
        at_floor: Share that is right of the answers at most 0.05 above the floor: the least sure ones that are given.
    """

    floor: float
    coverage: float
    accuracy: float | None
    at_floor: float | None


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The temperature under which logits explain labels best.

    The method is Guo et al. 2017, "On Calibration of Modern Neural Networks"; the search is by golden section over the
    temperature's logarithm, where the negative log likelihood has one minimum. Targets are softened as in Platt 1999,
    "Probabilistic Outputs for Support Vector Machines": one label in ``N + 1`` counts as drawn at random. So a few
    faces that are all read rightly do not make a network that is always certain, and thousands of faces leave the
    temperature as it is.

    Args:
        logits: ``float32 (N, K)``, of the quantized model, on faces it was not trained on.
        labels: ``int64 (N,)``.

    Returns:
        A number from 0.05 to 20; logits are divided by it.

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

    low, high = math.log(_LOWEST_TEMPERATURE), math.log(_HIGHEST_TEMPERATURE)
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = loss(left), loss(right)
    while high - low > 1e-6:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = loss(right)
    return math.exp((low + high) / 2)


def calibration_error(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Expected calibration error (Guo et al. 2017) over 15 equally wide bins of confidence, 0 to 1."""
    given = probabilities.astype(np.float64)
    return expected_calibration_error(calibration_bins(given.max(axis=1), given.argmax(axis=1) == labels))


def calibrate(
    logits: NDArray[np.float32], labels: NDArray[np.int64], *, halvings: int = 10, seed: int = 0
) -> Calibration:
    """Fit a temperature and measure how well it does, on the faces it was fitted on and on others.

    Args:
        logits: ``float32 (N, K)``, of the model as it runs on the device.
        labels: ``int64 (N,)``, N at least 2.
        halvings: How many random halvings the cross-fitted error is a mean of.
        seed: Of the halvings, and of the drawing behind ``error_by_chance``.

    Raises:
        InputError: There are fewer than two rows.
    """
    if len(labels) < 2:
        raise InputError(
            "held-out faces",
            received=len(labels),
            expected="2 at least, for a temperature",
            remedy="Hold out more pictures",
        )
    random = np.random.default_rng(seed)
    temperature = fit_temperature(logits, labels)
    fitted = softmax(logits, temperature)
    crossed = [_cross_fitted(logits, labels, random.permutation(len(labels))) for _ in range(halvings)]
    drawn = [calibration_error(fitted, _draw(fitted, random)) for _ in range(20)]
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
    """What each floor of confidence costs in coverage and gains in accuracy.

    Args:
        probabilities: ``float32 (N, K)``, calibrated, N at least 1.
        labels: ``int64 (N,)``.
        floors: Confidences under which no answer is given.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    found = []
    for floor in floors:
        given = confidence >= floor
        least_sure = given & (confidence < floor + 0.05)
        found.append(
            Abstention(
                floor=floor,
                coverage=float(given.mean()),
                accuracy=float(right[given].mean()) if given.any() else None,
                at_floor=float(right[least_sure].mean()) if least_sure.any() else None,
            )
        )
    return tuple(found)


def choose_floor(curve: Sequence[Abstention], tolerance: float = 0.01) -> float:
    """The floor that a risk-coverage curve asks for, if a right answer gains as much as a wrong one costs.

    The gain is the share of faces answered rightly less the share answered wrongly. It is flat around its highest point
    and scatters by chance, so of the floors within ``tolerance`` of it the lowest is taken, which answers most faces.
    """
    gains = {
        point.floor: 0.0 if point.accuracy is None else point.coverage * (2 * point.accuracy - 1) for point in curve
    }
    return min(floor for floor, gain in gains.items() if gain >= max(gains.values()) - tolerance)


def _cross_fitted(logits: NDArray[np.float32], labels: NDArray[np.int64], shuffled: NDArray[np.int64]) -> float:
    """The error over all faces, each with the temperature of the half it is not in."""
    middle = len(shuffled) // 2
    probabilities = np.empty(logits.shape, np.float32)
    for here, there in ((shuffled[:middle], shuffled[middle:]), (shuffled[middle:], shuffled[:middle])):
        probabilities[there] = softmax(logits[there], fit_temperature(logits[here], labels[here]))
    return calibration_error(probabilities, labels)


def _draw(probabilities: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.int64]:
    """One label a row, drawn by the row's probabilities."""
    chances = random.random((len(probabilities), 1))
    above = np.cumsum(probabilities.astype(np.float64), axis=1) < chances
    return np.asarray(above.sum(axis=1).clip(max=probabilities.shape[1] - 1), np.int64)
