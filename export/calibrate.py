"""Choosing the faces from which an int8 model gets its ranges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CALIBRATION_FACES = 500
"""Number of faces from which int8 ranges are taken."""


def choose_calibration(
    images: NDArray[np.uint8], labels: NDArray[np.int64], count: int = CALIBRATION_FACES, seed: int = 0
) -> NDArray[np.uint8]:
    """Choose faces to calibrate an int8 model with, equally many of each class as far as possible.

    An all black and an all white image are added. Without them the input's range might not be 0 to 255, and raw gray
    levels would be rescaled and clipped.

    Args:
        images: ``uint8 (N, 48, 48, C)`` of the training part alone: ranges are learned, so held-out faces would leak.
        labels: ``int64 (N,)``.
        count: Number of faces to choose. A rare class gives all it has before others give more.
        seed: Of the random choice.

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
