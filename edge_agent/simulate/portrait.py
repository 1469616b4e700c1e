"""One drawn face on its own, for golden faces, tests and documentation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_agent.errors import InputError
from edge_agent.model_format.labels import FER2013
from edge_agent.simulate.person import person
from edge_agent.simulate.stamp import head_stamp, shoulder_stamp
from edge_agent.types import Box, Image

_BACKGROUND = (168, 164, 158)


@dataclass(frozen=True, slots=True)
class Portrait:
    """A drawn person before a plain background.

    Attributes:
        image: ``uint8 (side, side, 3)``, blue-green-red.
        box: The face's square as FER2013's are cropped: the middle half of the picture.
    """

    image: Image
    box: Box


def draw_face(expression: str, intensity: float, seed: int, side_px: int) -> Portrait:
    """Draw one person; equal arguments give equal pictures.

    Args:
        expression: One of FER2013's labels.
        intensity: From 0 (at rest) to 1 (full).
        seed: Which person.
        side_px: Side of the picture; the face square takes half of it.

    Raises:
        InputError: The expression is unknown, or intensity or side is out of range.
    """
    if expression not in FER2013:
        raise InputError("Expression to draw", received=repr(expression), expected=f"one of {', '.join(FER2013)}")
    if not 0.0 <= intensity <= 1.0:
        raise InputError("Intensity to draw", received=intensity, expected="0 to 1")
    if side_px < 2:
        raise InputError("Side of the picture to draw", received=side_px, expected="2 pixels or more")
    image = np.full((side_px, side_px, 3), _BACKGROUND, np.uint8)
    who, box = person(seed), Box(side_px / 4, side_px / 4, side_px / 2)
    for stamp in (shoulder_stamp(who, box.side), head_stamp(who, expression, intensity, 0.0, box.side)):
        stamp.lay(image, *box.center, above=side_px)
    return Portrait(image, box)
