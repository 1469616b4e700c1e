"""Batches for Keras: shuffled, varied and encoded as a pure function of seed, epoch and position."""

from __future__ import annotations

import math

import keras
import numpy as np
from numpy.typing import NDArray

from train.augment import Augmentation, vary

_SHUFFLE, _VARY = 0, 1


class EpochBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no type information
    """The training batches of one epoch.

    Args:
        images: ``uint8 (N, 48, 48, C)``.
        targets: ``float32 (N, K)`` probabilities to be learnt, one row an image.
        epoch: Which epoch; the same number gives the same batches.
        seed: The run's seed.
        batch_size: Images a batch; a last partial batch is dropped.
        augmentation: How far images are varied.
        side_px: Side of the images given out.
        workers: Threads that prepare batches ahead; OpenCV lets go of Python's lock while it works.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        targets: NDArray[np.float32],
        *,
        epoch: int,
        seed: int,
        batch_size: int,
        augmentation: Augmentation,
        side_px: int,
        workers: int = 1,
    ) -> None:
        super().__init__(workers=workers, use_multiprocessing=False, max_queue_size=16)
        self._images, self._targets = images, targets
        self._key = (seed, epoch)
        self._batch_size, self._augmentation, self._side_px = batch_size, augmentation, side_px
        self._order = np.random.default_rng((*self._key, _SHUFFLE)).permutation(len(images))

    def __len__(self) -> int:
        return max(1, len(self._order) // self._batch_size)

    def __getitem__(self, position: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rows = self._order[position * self._batch_size : (position + 1) * self._batch_size]
        rng = np.random.default_rng((*self._key, _VARY, position))
        faces = np.stack([vary(self._images[row], self._augmentation, rng, self._side_px) for row in rows])
        return faces.astype(np.float32), self._targets[rows]


def one_hot(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """``float32 (N, classes)`` with a one at each label."""
    return np.eye(classes, dtype=np.float32)[labels]


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Whole batches in an epoch, at least one."""
    return max(1, math.floor(images / batch_size))
