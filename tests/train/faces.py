"""Small labelled sets for training tests: shapes a tiny network can tell apart, no faces."""

from __future__ import annotations

import numpy as np

from train.data.dataset import FaceSet, Split


def bright_halves(count: int = 96, *, channels: int = 1, seed: int = 0) -> FaceSet:
    """Pictures whose left or right half is bright, with noise: two classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    images = rng.integers(0, 90, (count, 48, 48, channels))
    for image, label in zip(images, labels, strict=True):
        image[:, 24 * label : 24 * (label + 1)] += 120
    empty = np.full(count, "")
    return FaceSet(
        name="halves",
        images=images.astype(np.uint8),
        labels=labels.astype(np.int64),
        classes=("left", "right"),
        usage=empty,
        origin=empty,
        subject=empty,
        sequence=empty,
    )


def two_to_one(faces: FaceSet) -> Split:
    """Two thirds to learn from, one third to judge by."""
    rows = np.arange(len(faces))
    cut = 2 * len(faces) // 3
    return Split("two-to-one", train=rows[:cut], validation=rows[cut:], test=rows[:0])
