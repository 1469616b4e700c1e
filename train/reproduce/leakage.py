"""What a split of CK+ gives away: frames of held-out recordings in training, and how far bare pixels get on it."""

from __future__ import annotations

import msgspec
import numpy as np

from train.data.dataset import FaceSet, Split
from train.data.splits import siblings_in_train
from train.reproduce.jobs import SplitName


class SplitLeakage(msgspec.Struct, frozen=True, kw_only=True):
    """One split of CK+, looked at without any network.

    Attributes:
        protocol: Its words in ``train.data.splits``.
        split: Which kind of split it is.
        folds: Number of its folds; 0 where it has none.
        images: Held-out images.
        siblings: Held-out images with another frame of the same recording in training.
        right: Held-out images that have the label of the training image nearest in pixels.
    """

    protocol: str
    split: SplitName
    folds: int
    images: int
    siblings: int
    right: int


def measure_leakage(faces: FaceSet, split: Split, kind: SplitName, folds: int) -> SplitLeakage:
    """Count siblings and the right answers of the nearest neighbour."""
    return SplitLeakage(
        protocol=split.protocol,
        split=kind,
        folds=folds,
        images=len(split.validation),
        siblings=siblings_in_train(faces, split),
        right=nearest_neighbour_right(faces, split),
    )


def nearest_neighbour_right(faces: FaceSet, split: Split) -> int:
    """Held-out images that have the label of the training image with the least sum of squared differences of levels."""
    pixels = faces.images.reshape(len(faces), -1).astype(np.float64)
    known, asked = pixels[split.train], pixels[split.validation]
    # |a - b|^2 = |a|^2 - 2ab + |b|^2, of which |a|^2 is the same for every neighbour of a.
    distances = (known**2).sum(axis=1) - 2 * asked @ known.T
    found = faces.labels[split.train][distances.argmin(axis=1)]
    return int((found == faces.labels[split.validation]).sum())
