"""Distillation (Hinton et al. 2015): teacher models are bundles whose answers a network learns from beside the labels.

A teacher model sees the same variation of a face as the network. It answers as on the device, in int8, which costs a
CPU a fraction of what its float network would.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.metadata import FACE_SIZE
from edge_agent.vision.classifier import Classifier, softmax
from train.fit.provenance import describe_bundle, merge, provenance_of_bundle


class TeacherModels:
    """One or several bundles whose mean answer is used.

    Args:
        bundles: Files of the bundles.
        classes: The labels to answer with; every teacher must have them all.
        channels: Of the images, 1 or 3.
        temperature: Of their answers, relative to the calibrated ones: 1 leaves them, more makes them softer.
        flip: Whether each also answers for the mirrored face; the mean of both is used.

    Attributes:
        classifiers: The bundles, opened, in the order given.
        descriptions: Name and fingerprint of each, for the run's record.
        provenance: Of all of them together.

    Raises:
        InputError: A teacher lacks a class or takes other channels.
        ModelError: A file is no bundle.
    """

    def __init__(
        self,
        bundles: Sequence[Path],
        classes: tuple[str, ...],
        *,
        channels: int = 1,
        temperature: float = 1.0,
        flip: bool = False,
    ) -> None:
        for bundle in bundles:
            if bundle.is_dir():
                raise InputError(
                    f"teacher {bundle}",
                    received="a folder",
                    expected="a model bundle",
                    remedy="Export the run in it with `python -m export convert`",
                )
        self.classifiers = tuple(Classifier.load(bundle) for bundle in bundles)
        for bundle, one in zip(bundles, self.classifiers, strict=True):
            if one.channels != channels or not set(classes) <= set(one.labels):
                raise InputError(
                    f"teacher {bundle}",
                    received=f"{', '.join(one.labels)} from {one.channels} channels",
                    expected=f"{', '.join(classes)} from {channels}",
                    remedy="Train and export a teacher on these data",
                )
        self.descriptions = tuple(
            describe_bundle(bundle, one.model_id) for bundle, one in zip(bundles, self.classifiers, strict=True)
        )
        self.provenance = merge(provenance_of_bundle(one.metadata) for one in self.classifiers)
        self._columns = [[one.labels.index(label) for label in classes] for one in self.classifiers]
        self._temperature, self._flip = temperature, flip

    def answers(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities of the classes, ``float32 (N, K)``, for ``uint8 (N, side, side, C)`` images of any size."""
        faces = _at_face_size(images)
        views = (faces, faces[:, :, ::-1]) if self._flip else (faces,)
        answers = [
            softmax(one.logits(np.ascontiguousarray(view))[:, columns], one.metadata.temperature * self._temperature)
            for one, columns in zip(self.classifiers, self._columns, strict=True)
            for view in views
        ]
        return np.asarray(np.mean(answers, axis=0), np.float32)


def _at_face_size(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if images.shape[1] == FACE_SIZE:
        return images
    resized = [cv2.resize(image, (FACE_SIZE, FACE_SIZE), interpolation=cv2.INTER_LINEAR) for image in images]
    return np.stack(resized).reshape(len(images), FACE_SIZE, FACE_SIZE, images.shape[3])
