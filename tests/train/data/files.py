"""Small data sets written to disk, and sets of faces made in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.model_format.labels import FER2013
from train.data.dataset import FaceSet

HEADER = "emotion,pixels,Usage"


def face(seed: int, *shape: int) -> NDArray[np.uint8]:
    """A picture of noise, 48 x 48 gray unless a shape is given."""
    return np.random.default_rng(seed).integers(0, 256, shape or (48, 48), dtype=np.uint8)


def row(seed: int, label: object = 0, usage: str = "Training") -> str:
    """A row of ``fer2013.csv``."""
    return f"{label},{' '.join(map(str, face(seed).ravel()))},{usage}"


def write_table(path: Path, rows: Sequence[str], header: str = HEADER) -> Path:
    """Write a table."""
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def write_face(path: Path, picture: NDArray[np.uint8]) -> Path:
    """Write a picture, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = cv2.imencode(path.suffix, picture)[1]
    path.write_bytes(packed.tobytes())
    return path


def face_set(
    labels: Sequence[int],
    *,
    classes: tuple[str, ...] = FER2013,
    usage: Sequence[str] = (),
    sequence: Sequence[str] = (),
    subject: Sequence[str] = (),
    images: NDArray[np.uint8] | None = None,
) -> FaceSet:
    """A set in memory; every image differs unless images are given."""
    count = len(labels)
    empty = [""] * count
    return FaceSet(
        name="made",
        images=np.stack([face(seed, 48, 48, 1) for seed in range(count)]) if images is None else images,
        labels=np.array(labels, np.int64),
        classes=classes,
        usage=np.array(usage or empty),
        origin=np.array([f"made:{index + 2}" for index in range(count)]),
        subject=np.array(subject or empty),
        sequence=np.array(sequence or empty),
    )
