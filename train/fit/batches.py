"""Batches for Keras: shuffled, varied and encoded as a pure function of seed, epoch and position."""

from __future__ import annotations

import math
import os
import time

import keras
import numpy as np
from numpy.typing import NDArray

from train.fit.augment import Augmentation, vary
from train.fit.degradation import NOT_SPOILT, Spoiling, spoil
from train.fit.distillation import Teachers

_SHUFFLE, _VARY, _SPOIL = 0, 1, 2
_LOT = 16
"""Images that are varied by one random generator; a host prepares whole lots, so lots are what hosts can share out."""
_MOST_FEEDERS = 8


class EpochBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no type information
    """The training batches of one epoch.

    Args:
        images: ``uint8 (N, 48, 48, C)``.
        targets: ``float32 (N, K)`` probabilities to be learnt, one row an image.
        epoch: Which epoch; the same number gives the same batches.
        seed: The run's seed.
        batch_size: Images a batch; a last partial batch is dropped.
        augmentation: How far images are varied.
        spoiling: How far the varied images are spoilt; teachers see them before.
        side_px: Side of the images given out.
        teachers: Whose answers make up a part of the targets, and how large a part; None for no teachers.
        share: ``(which, of how many)`` equal parts of each batch to give out; the parts put together are the batch.
        workers: Threads that prepare batches ahead; OpenCV lets go of Python's lock while it works.

    Attributes:
        asked_at: Monotonic seconds at which each batch was begun, by position.
        ready_at: Monotonic seconds at which it was ready, likewise.
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
        spoiling: Spoiling = NOT_SPOILT,
        teachers: tuple[Teachers, float] | None = None,
        share: tuple[int, int] = (0, 1),
        workers: int = 1,
    ) -> None:
        super().__init__(workers=workers, use_multiprocessing=False, max_queue_size=16)
        self._images, self._targets = images, targets
        self._key = (seed, epoch)
        self._batch_size, self._augmentation, self._side_px = batch_size, augmentation, side_px
        self._spoiling, self._teachers, self._share = spoiling, teachers, share
        self._order = np.random.default_rng((*self._key, _SHUFFLE)).permutation(len(images))
        self.asked_at: dict[int, float] = {}
        self.ready_at: dict[int, float] = {}

    def __len__(self) -> int:
        return max(1, len(self._order) // self._batch_size)

    def __getitem__(self, position: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self.asked_at[position] = time.monotonic()  # Keras may ask for the first ones twice
        rows = self._order[position * self._batch_size : (position + 1) * self._batch_size]
        which, of = self._share
        first, last = which * len(rows) // of, (which + 1) * len(rows) // of
        begin = first // _LOT * _LOT
        lots = [(lot, self._lot(rows, position, lot, min(last, lot + _LOT))) for lot in range(begin, last, _LOT)]
        varied = np.stack([face for _, lot in lots for face in lot][first - begin :])
        shown = np.stack([face for start, lot in lots for face in self._spoilt(lot, position, start)][first - begin :])
        batch = shown.astype(np.float32), self._taught(varied, self._targets[rows[first:last]])
        self.ready_at[position] = time.monotonic()
        return batch

    def _taught(self, images: NDArray[np.uint8], targets: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._teachers is None:
            return targets
        teachers, weight = self._teachers
        answers = teachers.answers(images)
        classes = answers.shape[1]  # what comes after the classes is a second head's, of which teachers know nothing
        return np.hstack([(1.0 - weight) * targets[:, :classes] + weight * answers, targets[:, classes:]])

    def _lot(self, rows: NDArray[np.int64], position: int, start: int, stop: int) -> list[NDArray[np.uint8]]:
        rng = np.random.default_rng((*self._key, _VARY, position, start))
        return [vary(self._images[row], self._augmentation, rng, self._side_px) for row in rows[start:stop]]

    def _spoilt(self, lot: list[NDArray[np.uint8]], position: int, start: int) -> list[NDArray[np.uint8]]:
        if self._spoiling == NOT_SPOILT:
            return lot
        rng = np.random.default_rng((*self._key, _SPOIL, position, start))
        return [spoil(face, self._spoiling, rng) for face in lot]


def feeders() -> int:
    """Threads to prepare batches with. One is too few: of TensorFlow's deterministic operations none reads ahead."""
    return min(_MOST_FEEDERS, max(2, os.cpu_count() or 2))


class Pace:
    """How fast an epoch goes, and how much of its time the network waits for batches.

    A step waits from the end of the step before it until its batch is ready; the first one from when its batch was
    begun, since the step itself is traced before that.

    Args:
        began: Monotonic seconds at which the epoch began.
    """

    def __init__(self, began: float) -> None:
        self._began = self._last = began
        self._waited = 0.0

    def step(self, asked_at: float, ready_at: float, ended: float) -> None:
        """Count a step that ended, whose batch was begun and ready at the times given."""
        first = self._last == self._began
        self._waited += max(0.0, ready_at - (max(asked_at, self._began) if first else self._last))
        self._last = ended

    @property
    def waiting(self) -> float:
        """Share of the time until the last step's end, 0 to 1."""
        return min(1.0, self._waited / self.seconds) if self.seconds > 0 else 0.0

    @property
    def seconds(self) -> float:
        """From the beginning to the last step's end."""
        return self._last - self._began


def one_hot(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """``float32 (N, classes)`` with a one at each label."""
    return np.eye(classes, dtype=np.float32)[labels]


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Whole batches in an epoch, at least one."""
    return max(1, math.floor(images / batch_size))
