"""Normalisation of faces before they enter a network, which systems of this kind are said to need.

The device does none of it. It is here for ablations (:mod:`train.ablation.runner`), whose results decide about it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.metadata import FACE_SIZE
from edge_agent.vision.weights import find_weights, read_weights
from edge_agent.vision.yunet import YuNetDetector
from train.data.dataset import FaceSet
from train.measure.canvas import on_canvas

Normalisation = Literal["equalise", "clahe", "align"]
"""``equalise`` equalises the histogram of the whole face. ``clahe`` does so in each of four by four tiles, with limited
contrast (Zuiderveld 1994). ``align`` turns the face until YuNet's eyes are level. These eyes follow only a small part
of a face's roll, as ``tests/train/ablation/test_normalisation.py`` measures, so ``align`` corrects only a small part.
"""

_SEARCH_PX = 96
_MAX_ROLL = math.radians(45)


def normalise(faces: FaceSet, steps: Sequence[Normalisation], weights: Path | None = None) -> FaceSet:
    """Normalise faces step by step.

    Args:
        faces: Gray faces.
        steps: The steps, in order.
        weights: YuNet's weights, for ``align``; the fetched ones unless given.

    Returns:
        The normalised faces; the name of the set lists the steps.

    Raises:
        InputError: The faces are in colour, or ``align`` lacks YuNet's weights.
        ModelError: The weights are not YuNet's.
    """
    if steps and faces.channels != 1:
        raise InputError(faces.name, received=f"{faces.channels} channels", expected="gray faces to normalise")
    images = faces.images
    for step in steps:
        normalised = _aligner(weights) if step == "align" else _LEVELS[step]
        images = np.stack([normalised(image[..., 0]) for image in images])[..., None].astype(np.uint8)
    return replace(faces, name=", ".join((faces.name, *steps)), images=images)


def _clahe(face: NDArray[np.uint8]) -> NDArray[Any]:
    return cv2.createCLAHE(clipLimit=2.0, tileGridSize=(4, 4)).apply(face)


_LEVELS: dict[str, Callable[[NDArray[np.uint8]], NDArray[Any]]] = {"equalise": cv2.equalizeHist, "clahe": _clahe}


def alignment_weights(weights: Path | None) -> Path:
    """Find YuNet's weights: those given, else those fetched.

    Raises:
        InputError: There are none.
    """
    found = weights or find_weights()
    if found is None:
        raise InputError(
            "align",
            received="no weights of YuNet",
            expected="face_detection_yunet_2023mar.onnx",
            remedy="Fetch them with `edge-agent detector fetch`, or name them with --weights",
        )
    return found


def _aligner(weights: Path | None) -> Callable[[NDArray[np.uint8]], NDArray[Any]]:
    found = alignment_weights(weights)
    detector = YuNetDetector(read_weights(found), str(found))

    def align(face: NDArray[np.uint8]) -> NDArray[Any]:
        roll = find_roll(face, detector)
        if roll is None:
            return face
        middle = (FACE_SIZE - 1) / 2
        matrix = cv2.getRotationMatrix2D((middle, middle), math.degrees(roll), 1.0)
        return cv2.warpAffine(face, matrix, (FACE_SIZE, FACE_SIZE), borderMode=cv2.BORDER_REPLICATE)

    return align


def find_roll(face: NDArray[np.uint8], detector: YuNetDetector) -> float | None:
    """Measure by how much the line through the eyes falls to the right.

    Args:
        face: ``uint8 (48, 48)``.
        detector: The detector that finds the eyes.

    Returns:
        The angle in radians, or None where no face with eyes is found or the angle is over 45 degrees.
    """
    canvas, square = on_canvas(face, _SEARCH_PX)
    near = [
        found
        for found in detector.find(canvas)
        if found.eyes is not None and math.dist(found.center, square.center) < square.side / 4
    ]
    if not near:
        return None
    best = max(near, key=lambda found: found.score)
    assert best.eyes is not None
    (left_x, left_y), (right_x, right_y) = best.eyes
    roll = math.atan2(right_y - left_y, right_x - left_x)
    return roll if abs(roll) <= _MAX_ROLL else None
