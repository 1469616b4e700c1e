"""Faces and expressions in still images, without time, tracks or messages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_agent.model_format.crop import crop_face, to_face_tensor
from edge_agent.types import Box, Image
from edge_agent.vision.classifier import Classifier
from edge_agent.vision.detector import Detector


@dataclass(frozen=True, slots=True)
class ClassifiedFace:
    """One face of a still image.

    Attributes:
        box: Where, in pixels of the image; ``None`` where the whole image is the face.
        expression: The likeliest label.
        confidence: Its calibrated probability.
        scores: Probability by label, summing to 1.
    """

    box: Box | None
    expression: str
    confidence: float
    scores: dict[str, float]


def classify_faces(image: Image, detector: Detector, classifier: Classifier, scale: int = 1) -> list[ClassifiedFace]:
    """All faces the detector finds, each with its expression, from top to bottom and left to right.

    Boxes are multiplied by ``scale``, the pixels of the file's picture to one of ``image``.
    """
    boxes = sorted((detection.box for detection in detector.detect(image)), key=lambda box: (box.top, box.left))
    crops = [crop_face(image, box.left, box.top, box.side, classifier.channels) for box in boxes]
    in_file = [Box(box.left * scale, box.top * scale, box.side * scale) for box in boxes]
    return _classified(crops, in_file, classifier)


def classify_face_crop(image: Image, classifier: Classifier) -> ClassifiedFace:
    """The expression of an image that is a face crop already."""
    return _classified([to_face_tensor(image, classifier.channels)], [None], classifier)[0]


def _classified(crops: list[Image], boxes: list[Box] | list[None], classifier: Classifier) -> list[ClassifiedFace]:
    if not crops:
        return []
    probabilities = classifier.predict(np.stack(crops))
    return [
        ClassifiedFace(
            box=box,
            expression=classifier.labels[int(np.argmax(row))],
            confidence=float(row.max()),
            scores={label: float(value) for label, value in zip(classifier.labels, row, strict=True)},
        )
        for box, row in zip(boxes, probabilities, strict=True)
    ]
