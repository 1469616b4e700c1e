"""Leakage in a split of CK+: frames of held-out recordings in training, and the accuracy that pixels alone reach."""

from __future__ import annotations

import msgspec
import numpy as np

from train.data.dataset import FaceSet, Split
from train.data.splits import siblings_in_train
from train.reproduce.jobs import SplitName


class SplitLeakage(msgspec.Struct, frozen=True, kw_only=True):
    """The leakage of one split of CK+, measured without any network.

    Attributes:
        protocol: Its name in ``train.data.splits``.
        split: The kind of split.
        folds: Number of its folds; 0 where it has none.
        images: Number of held-out images.
        siblings: Number of these with another frame of the same recording in training.
        nearest_correct: Number of these that have the label of the training image nearest in pixels.
    """

    protocol: str
    split: SplitName
    folds: int
    images: int
    siblings: int
    nearest_correct: int = msgspec.field(name="right")


def measure_leakage(faces: FaceSet, split: Split, kind: SplitName, folds: int) -> SplitLeakage:
    """Count siblings, and correct answers of the nearest neighbour."""
    return SplitLeakage(
        protocol=split.protocol,
        split=kind,
        folds=folds,
        images=len(split.validation),
        siblings=siblings_in_train(faces, split),
        nearest_correct=nearest_neighbour_correct(faces, split),
    )


def nearest_neighbour_correct(faces: FaceSet, split: Split) -> int:
    """Count held-out images with the label of their nearest training image, by the sum of squared differences."""
    pixels = faces.images.reshape(len(faces), -1).astype(np.float64)
    trained, held_out = pixels[split.train], pixels[split.validation]
    # |a - b|^2 = |a|^2 - 2ab + |b|^2, of which |a|^2 is the same for every neighbour of a.
    distances = (trained**2).sum(axis=1) - 2 * held_out @ trained.T
    found = faces.labels[split.train][distances.argmin(axis=1)]
    return int((found == faces.labels[split.validation]).sum())
