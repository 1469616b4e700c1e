"""What the guards of :mod:`edge_agent.vision.readability` cost and find, on folders of face pictures and on groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from edge_agent.errors import InputError
from edge_agent.model_format.crop import crop_face
from edge_agent.types import Image
from edge_agent.vision.readability import REASONS, trouble, within
from edge_agent.vision.weights import read_weights
from edge_agent.vision.yunet import YuNetDetector
from train.common.pictures import readable_pictures
from train.common.table import table
from train.measure.corruptions import Corruption, masked

_SIDE_PX, _CANVAS_PX = 112, 192
_SUFFIXES = (".jpg", ".jpeg", ".png")


def readability_report(folders: Sequence[Path], weights: Path, limit: int = 1000, seed: int = 0) -> str:
    """Count the faces of which an expression is not read, by reason.

    Args:
        folders: Pictures of single faces, in subfolders or not, or photographs of groups.
        weights: YuNet's weights.
        limit: At most so many pictures of a folder, drawn by chance.
        seed: Of that choice.

    Returns:
        A table in Markdown. Each folder comes as it is, at 12 % and at 6 % of its light, and with a drawn mask.

    Raises:
        InputError: A folder has no pictures.
        ModelError: The weights cannot be used.
    """
    detector = YuNetDetector(read_weights(weights), str(weights))
    kinds: list[tuple[str, Callable[[Image, int], Image]]] = [
        ("", lambda crop, _: crop),
        (", 12 % light", lambda crop, number: _dimmed(crop, 0.12, number)),
        (", 6 % light", lambda crop, number: _dimmed(crop, 0.06, number)),
        (", masked", lambda crop, number: Corruption("mask", "", masked).apply(crop[None], number)[0]),
    ]
    rows = []
    for folder in folders:
        crops = [
            (crop_face(image, one.box.left, one.box.top, one.box.side), within(one.box, one.landmarks))
            for image in _pictures(folder, limit, seed)
            for one in detector.detect(image)
            if one.landmarks is not None
        ]
        for kind, change in kinds:
            found = Counter(trouble(change(crop, number), marks) for number, (crop, marks) in enumerate(crops))
            shares = [f"{found[reason] / max(1, len(crops)):.1%}" for reason in (None, *REASONS)]
            rows.append([f"{folder.name}{kind}", len(crops), *shares])
    return table(["faces", "found", "read", *REASONS], rows)


def _pictures(folder: Path, limit: int, seed: int) -> list[Image]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not paths:
        raise InputError(str(folder), received="no pictures", expected="files like .jpg or .png")
    chosen = np.random.default_rng(seed).permutation(len(paths))[:limit]
    return [_with_surroundings(image) for image in readable_pictures(paths[index] for index in sorted(chosen))]


def _with_surroundings(image: Image) -> Image:
    """A picture of a face alone at the size of a near one, with a margin, as detectors need it; others as they are."""
    height, width = image.shape[:2]
    if max(height, width) > _CANVAS_PX:
        return image
    factor = _SIDE_PX / max(height, width)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    face = cv2.resize(image, None, fx=factor, fy=factor, interpolation=how)
    height, width = face.shape[:2]
    top, left = (_CANVAS_PX - height) // 2, (_CANVAS_PX - width) // 2
    margins = top, _CANVAS_PX - height - top, left, _CANVAS_PX - width - left
    return np.asarray(cv2.copyMakeBorder(face, *margins, cv2.BORDER_REPLICATE), np.uint8)


def _dimmed(crop: Image, light: float, seed: int) -> Image:
    noise = np.random.default_rng(seed).normal(0.0, 1.0, crop.shape)
    return np.clip(crop * light + noise, 0, 255).astype(np.uint8)
