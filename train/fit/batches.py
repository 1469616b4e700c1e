"""Batches for Keras: shuffled, varied and degraded, as a pure function of seed, epoch and position."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from edge_agent.model_format.metadata import FACE_SIZE
from train.fit.augment import Augmentation, vary
from train.fit.degradation import NO_DEGRADATION, Degradation, degrade
from train.fit.distillation import TeacherModels
from train.fit.mixup import Mixing, draw_mixing

_SHUFFLE, _VARY, _DEGRADE, _MIX = 0, 1, 2, 3
_CHUNK = 16
"""Images that are varied by one random generator. A host prepares whole chunks and gives out its shard of them."""
_MAX_WORKERS = 8


@dataclass(frozen=True)
class Examples:
    """What a network learns from.

    Attributes:
        images: ``uint8 (N, 48, 48, C)``.
        targets: ``float32 (N, K)`` probabilities, one row an image.
        teachers: Teacher models, and the share of the targets that their answers make up: one number, or one for each
            image as ``float32 (N,)``. None for no distillation.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]
    teachers: tuple[TeacherModels, float | NDArray[np.float32]] | None = None


@dataclass(frozen=True)
class Variation:
    """How images are changed before the network sees them.

    Attributes:
        augmentation: How far images are varied.
        degradation: How far the varied images are degraded; teacher models see them before that.
        side_px: Side of the images in the batches.
    """

    augmentation: Augmentation
    degradation: Degradation = NO_DEGRADATION
    side_px: int = FACE_SIZE


class EpochBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no type information
    """The training batches of one epoch.

    Args:
        examples: What the network learns from.
        variation: How its images are changed.
        epoch: Which epoch; the same number gives the same batches.
        seed: The run's seed.
        batch_size: Images a batch; a last partial batch is dropped.
        shard: ``(which, of how many)`` equal parts of each batch to give out; the parts put together are the batch.
        workers: Threads that prefetch batches; OpenCV releases Python's lock while it works.

    Attributes:
        started_at: Monotonic seconds at which each batch was begun, by position.
        ready_at: Monotonic seconds at which each batch was ready, by position.
    """

    def __init__(
        self,
        examples: Examples,
        variation: Variation,
        *,
        epoch: int,
        seed: int,
        batch_size: int,
        shard: tuple[int, int] = (0, 1),
        workers: int = 1,
    ) -> None:
        super().__init__(workers=workers, use_multiprocessing=False, max_queue_size=16)
        images, teachers = examples.images, examples.teachers
        self._images, self._targets = images, examples.targets
        self._variation = variation
        self._key, self._batch_size, self._shard = (seed, epoch), batch_size, shard
        self._teachers = None if teachers is None else teachers[0]
        self._teacher_shares = np.broadcast_to(np.float32(0) if teachers is None else teachers[1], len(images))
        self._order = np.random.default_rng((*self._key, _SHUFFLE)).permutation(len(images))
        self.started_at: dict[int, float] = {}
        self.ready_at: dict[int, float] = {}

    def __len__(self) -> int:
        return max(1, len(self._order) // self._batch_size)

    def __getitem__(self, position: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self.started_at[position] = time.monotonic()  # Keras may ask for the first batches twice
        rows = self._order[position * self._batch_size : (position + 1) * self._batch_size]
        which, of = self._shard
        first, last = which * len(rows) // of, (which + 1) * len(rows) // of
        begin = first // _CHUNK * _CHUNK
        mixing = self._mixing(len(rows), position)
        chunks = [
            (start, self._varied(rows, position, start, min(last, start + _CHUNK), mixing))
            for start in range(begin, last, _CHUNK)
        ]
        varied = np.stack([face for _, chunk in chunks for face in chunk][first - begin :])
        degraded = [face for start, chunk in chunks for face in self._degraded(chunk, position, start)]
        shown = np.stack(degraded[first - begin :])
        batch = shown.astype(np.float32), self._distilled(varied, rows, first, last, mixing)
        self.ready_at[position] = time.monotonic()
        return batch

    def _distilled(
        self, images: NDArray[np.uint8], rows: NDArray[np.int64], first: int, last: int, mixing: Mixing | None
    ) -> NDArray[np.float32]:
        targets, weight = self._targets[rows], self._teacher_shares[rows, None]
        labels: NDArray[np.float32] = targets if self._teachers is None else (np.float32(1) - weight) * targets
        if mixing is not None:
            labels, targets, weight = mixing.blend(labels), mixing.blend(targets), mixing.blend(weight)
        if self._teachers is None:
            return labels[first:last]
        answers = self._teachers.answers(images)
        classes = answers.shape[1]  # columns after the classes are a second head's, for which teachers give no answer
        distilled = labels[first:last, :classes] + weight[first:last] * answers
        return np.hstack([distilled, targets[first:last, classes:]])

    def _mixing(self, images: int, position: int) -> Mixing | None:
        if not (alpha := self._variation.augmentation.mixup):
            return None
        return draw_mixing(images, alpha, _CHUNK, np.random.default_rng((*self._key, _MIX, position)))

    def _varied(
        self, rows: NDArray[np.int64], position: int, start: int, stop: int, mixing: Mixing | None
    ) -> list[NDArray[np.uint8]]:
        rng = np.random.default_rng((*self._key, _VARY, position, start))
        how = self._variation
        chunk = rows[start : stop if mixing is None else start + _CHUNK]  # a partner may be in another host's shard
        faces = [vary(self._images[row], how.augmentation, rng, how.side_px) for row in chunk]
        return faces if mixing is None else mixing.blend_faces(faces, start)[: stop - start]

    def _degraded(self, chunk: list[NDArray[np.uint8]], position: int, start: int) -> list[NDArray[np.uint8]]:
        if self._variation.degradation == NO_DEGRADATION:
            return chunk
        rng = np.random.default_rng((*self._key, _DEGRADE, position, start))
        return [degrade(face, self._variation.degradation, rng) for face in chunk]


def prefetch_workers() -> int:
    """Number of threads that prefetch batches. With deterministic operations TensorFlow itself reads nothing ahead."""
    return min(_MAX_WORKERS, max(2, os.cpu_count() or 2))


class Throughput:
    """How fast an epoch goes, and how much of its time the network waits for batches.

    A step waits from the end of the step before it until its batch is ready; the first one from when its batch was
    begun, since the step itself is traced before that.

    Args:
        began: Monotonic seconds at which the epoch began.
    """

    def __init__(self, began: float) -> None:
        self._began = self._last = began
        self._waited = 0.0

    def step(self, started_at: float, ready_at: float, ended: float) -> None:
        """Count a step that ended; its batch was begun and ready at the times given."""
        first = self._last == self._began
        self._waited += max(0.0, ready_at - (max(started_at, self._began) if first else self._last))
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
