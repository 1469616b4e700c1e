"""Predictors made of plain arithmetic, so that their measurements can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_agent.model_format.labels import FER2013
from train.fit.provenance import NO_PROVENANCE, Provenance
from train.measure.predictors import Predictor

Logits = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def predictor(
    logits: Logits, *, labels: tuple[str, ...] = FER2013, provenance: Provenance = NO_PROVENANCE
) -> Predictor:
    """A predictor that gives the logits of a function."""
    return Predictor(
        name="made",
        identity="0123456789ab",
        labels=labels,
        channels=1,
        temperature=1.0,
        protocol="fer2013-official",
        fingerprint="",
        provenance=provenance,
        logits=logits,
    )


def always(*answers: int, classes: int = 7) -> Logits:
    """Answers that are given row by row, whatever the faces are."""
    return lambda images: np.eye(classes, dtype=np.float32)[list(answers)[: len(images)]]


def brighter_half(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Two labels: whether the left or the right half is brighter."""
    levels = images.astype(np.float32).mean(axis=(1, 3))
    return np.stack([levels[:, :24].mean(axis=1), levels[:, 24:].mean(axis=1)], axis=1)
