"""Recording golden faces. They are drawn, never photographs of people, because they are sent to every device."""

from __future__ import annotations

from typing import Final

import numpy as np

from edge_agent.model_format.bundle import Bundle
from edge_agent.model_format.crop import crop_face
from edge_agent.model_format.golden import Golden
from edge_agent.model_format.labels import FER2013
from edge_agent.simulate import draw_face
from edge_agent.vision.classifier import Classifier

_SIDE_PX: Final = 192
"""Side of the drawn image. Its face is cropped from twice the model's size, as from a camera."""
_DIGITS: Final = 6


def record_golden(bundle: Bundle) -> Golden:
    """Draw each of FER2013's expressions on another person, and record the model's answers on this machine.

    Raises:
        ModelError: No runtime can run the model.
    """
    drawn, faces = [], []
    for person, expression in enumerate(FER2013):
        portrait = draw_face(expression, 1.0, person, _SIDE_PX)
        box = portrait.box
        faces.append(crop_face(portrait.image, box.left, box.top, box.side, bundle.metadata.input.channels))
        drawn.append(f"{expression}, person {person}")
    classifier = Classifier(bundle)
    images = np.stack(faces)
    logits = classifier.logits(images)
    count, height, width = images.shape[:3]
    return Golden(
        drawn=tuple(drawn),
        shape=(count, height, width, classifier.channels),
        faces=images.tobytes(),
        logits=tuple(tuple(round(float(value), _DIGITS) for value in row) for row in logits),
        runtime=classifier.runtime_name,
    )
