"""What is fitted to data after training: the ranges of an int8 model and the temperature of its probabilities."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

CALIBRATION_FACES = 500
"""Faces that int8 ranges are taken from."""

_LOWEST_TEMPERATURE, _HIGHEST_TEMPERATURE = 0.05, 20.0
_GOLDEN = (math.sqrt(5) - 1) / 2


def choose_calibration(
    images: NDArray[np.uint8], labels: NDArray[np.int64], count: int = CALIBRATION_FACES, seed: int = 0
) -> NDArray[np.uint8]:
    """Faces to calibrate an int8 model with: as many of each class as there are, and one all black and one all white.

    Without the last two the input's range may not be 0 to 255; raw gray levels would then be rescaled and clipped.

    Args:
        images: ``uint8 (N, 48, 48, C)`` of the training part alone: ranges are learned, so held-out faces would leak.
        labels: ``int64 (N,)``.
        count: Faces to take in all; the rarest class gives all it has before others give more.
        seed: Of the drawing.

    Returns:
        ``uint8 (min(count, N) + 2, 48, 48, C)``.
    """
    drawn = np.random.default_rng(seed).permutation(len(labels))
    turn = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        of_class = drawn[labels[drawn] == label]
        turn[of_class] = np.arange(len(of_class))
    chosen = drawn[np.argsort(turn[drawn], kind="stable")][:count]
    extremes = np.stack([np.zeros(images.shape[1:], np.uint8), np.full(images.shape[1:], 255, np.uint8)])
    return np.concatenate([images[chosen], extremes])


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The temperature under which logits explain labels best.

    The method is Guo et al. 2017, "On Calibration of Modern Neural Networks"; the search is by golden section over the
    temperature's logarithm, where the negative log likelihood has one minimum.

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

    def loss(log_temperature: float) -> float:
        scaled = scores / math.exp(log_temperature)
        return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[rows, labels]))

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
