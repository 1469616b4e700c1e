"""Faces and expressions in still images, without time, tracks or messages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_agent.config import SmoothingSettings
from edge_agent.model_format.crop import crop_face, to_face_tensor
from edge_agent.model_format.labels import UNCERTAIN
from edge_agent.types import Box, Image
from edge_agent.vision.classifier import Classifier
from edge_agent.vision.detector import Detector
from edge_agent.vision.orientation import TURNED, Rotation, upright_in
from edge_agent.vision.readability import trouble, within

UNCERTAIN_BELOW = SmoothingSettings().uncertain_below
"""The agent's own floor of confidence."""


@dataclass(frozen=True, slots=True)
class ClassifiedFace:
    """One face of a still image.

    Attributes:
        box: Where, in pixels of the image; ``None`` where the whole image is the face.
        expression: The likeliest label, or ``uncertain`` where it is not likely enough.
        confidence: Calibrated probability of the likeliest label.
        scores: Probability by label, summing to 1.
        unread: Why no expression can be read from the face, as in ``health``; ``expression`` is ``uncertain`` then, and
            all labels are as likely.
    """

    box: Box | None
    expression: str
    confidence: float
    scores: dict[str, float]
    unread: str | None = None


@dataclass(frozen=True, slots=True)
class ClassifiedFaces:
    """What a still image gave.

    Attributes:
        faces: From top to bottom and left to right.
        turned_by: By how much the image has to be turned clockwise for its faces to be upright; 0 where they are. Of a
            turned image no expression is read.
    """

    faces: tuple[ClassifiedFace, ...]
    turned_by: Rotation = 0


def classify_faces(
    image: Image,
    detector: Detector,
    classifier: Classifier,
    scale: int = 1,
    uncertain_below: float = UNCERTAIN_BELOW,
) -> ClassifiedFaces:
    """All faces the detector finds, each with its expression.

    Args:
        image: ``uint8 (height, width, 3)``, blue-green-red.
        detector: Finds them.
        classifier: Reads them.
        scale: Pixels of the file's picture to one of ``image``; boxes are multiplied by it.
        uncertain_below: Under this probability the expression is ``uncertain``, as the agent would say.
    """
    found = sorted(detector.detect(image), key=lambda detection: (detection.box.top, detection.box.left))
    boxes = [detection.box for detection in found]
    landmarks = [None if one.landmarks is None else within(one.box, one.landmarks) for one in found]
    crops = [crop_face(image, box.left, box.top, box.side, classifier.channels) for box in boxes]
    in_file = [Box(box.left * scale, box.top * scale, box.side * scale) for box in boxes]
    turned_by = upright_in(detector, image) or 0
    troubles = [TURNED if turned_by else trouble(*pair) for pair in zip(crops, landmarks, strict=True)]
    return ClassifiedFaces(tuple(_classified(crops, in_file, classifier, uncertain_below, troubles)), turned_by)


def classify_face_crop(
    image: Image, classifier: Classifier, uncertain_below: float = UNCERTAIN_BELOW
) -> ClassifiedFace:
    """The expression of an image that is a face crop already; ``uncertain`` under that probability."""
    crop = to_face_tensor(image, classifier.channels)
    return _classified([crop], [None], classifier, uncertain_below, [trouble(crop, None)])[0]


def _classified(
    crops: list[Image],
    boxes: list[Box] | list[None],
    classifier: Classifier,
    uncertain_below: float,
    troubles: list[str | None],
) -> list[ClassifiedFace]:
    if not crops:
        return []
    # What cannot be read has the answer that the agent gives it: all labels are as likely.
    probabilities = np.full((len(crops), len(classifier.labels)), 1.0 / len(classifier.labels), np.float32)
    readable = [number for number, unread in enumerate(troubles) if unread is None]
    if readable:
        probabilities[readable] = classifier.predict(np.stack([crops[number] for number in readable]))
    return [
        ClassifiedFace(
            box=box,
            expression=classifier.labels[int(np.argmax(row))]
            if unread is None and row.max() >= uncertain_below
            else UNCERTAIN,
            confidence=float(row.max()),
            scores={label: float(value) for label, value in zip(classifier.labels, row, strict=True)},
            unread=unread,
        )
        for box, row, unread in zip(boxes, probabilities, troubles, strict=True)
    ]
