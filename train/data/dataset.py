"""Labelled faces in memory and their split, independent of the files they came from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FaceSet:
    """Labelled face crops with where each came from.

    Attributes:
        name: Name of the set in reports: ``FER2013``, ``CK+48``, or the folder's name.
        images: ``uint8 (N, 48, 48, C)``: gray levels for C = 1, red-green-blue for C = 3.
        labels: ``int64 (N,)``, indices into ``classes``.
        classes: Label names in the order a model trained on the set gives them.
        usage: ``(N,)`` strings: the publisher's split (``Training``, ``PublicTest``, ``train`` ...), else ``""``.
        origin: ``(N,)`` strings that let a person find the image again: ``fer2013.csv:17`` or a path.
        subject: ``(N,)`` strings: who is shown, else ``""``.
        sequence: ``(N,)`` strings: which recording the image is a frame of, else ``""``.
        unreadable: Files that were skipped because the caller asked for it, each with the reason.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    usage: NDArray[np.str_]
    origin: NDArray[np.str_]
    subject: NDArray[np.str_]
    sequence: NDArray[np.str_]
    unreadable: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def channels(self) -> int:
        """1 for gray, 3 for colour."""
        return int(self.images.shape[-1])

    def take(self, rows: NDArray[np.int64]) -> FaceSet:
        """The given rows, in the given order."""
        return replace(
            self,
            images=self.images[rows],
            labels=self.labels[rows],
            usage=self.usage[rows],
            origin=self.origin[rows],
            subject=self.subject[rows],
            sequence=self.sequence[rows],
        )

    def fingerprint(self) -> str:
        """Sha256 over pixels, labels and class names: equal for equal data, whatever files it came in."""
        digest = hashlib.sha256(repr((self.images.shape, self.classes)).encode())
        digest.update(np.ascontiguousarray(self.images).tobytes())
        digest.update(np.ascontiguousarray(self.labels).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Split:
    """Which rows of a set to train on, to validate on, and to test on once.

    Attributes:
        protocol: The name of the rule that made it.
        train: Row numbers, ``int64``.
        validation: Row numbers used for model selection; disjoint from ``train``.
        test: Row numbers never used for model selection; may be empty.
        note: What someone who reads results on this split must know, in one sentence; may be empty.
    """

    protocol: str
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    note: str = ""
