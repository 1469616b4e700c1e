"""Draws heads and shoulders: the parts of a person that a pose hardly moves, and onto them the face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.simulate.features import draw_features, relief
from edge_agent.simulate.pen import Canvas, Mask, Pen, Points, curve, line, mirrored, paint, scaled
from edge_agent.simulate.person import Person
from edge_agent.simulate.pose import FacePose
from edge_agent.types import Image

HALF_WIDTH, ABOVE, BELOW = 0.72, 0.86, 0.78
"""How far the canvas of a head reaches to each side, above and below the middle of the face square, in its sides."""

SHOULDERS_BELOW = 0.5
"""How far under the middle of the face square the canvas of the shoulders begins; it is one side high."""

_JAW_STEP = 0.02  # the chin drops in such steps, so that poses share a head
_FACE = (-0.46, -0.46, 0.92, 1.04)  # left, top, width and height of the part of the canvas that a pose changes


def draw_head(who: Person, pose: FacePose, unit: int, blink: float = 0.0) -> tuple[Image, Mask]:
    """Draw a head with its neck.

    Args:
        who: Whose.
        pose: What the face does.
        unit: Side of the face square in pixels.
        blink: How far the lids are closed, 0 to 1.

    Returns:
        Colours ``uint8 (H, W, 3)``, blue-green-red, and coverage ``uint8 (H, W)``, where H is ``unit`` times
        ``ABOVE + BELOW`` and W ``unit`` times twice ``HALF_WIDTH``.
    """
    base = _base(who, unit, round(pose.jaw / _JAW_STEP) * _JAW_STEP)
    left, top, width, height = _FACE
    row, column = round((top + ABOVE) * unit), round((left + HALF_WIDTH) * unit)
    pen = Pen(unit, column / unit - HALF_WIDTH, row / unit - ABOVE, width, height)
    part = (slice(row, row + pen.shape[0]), slice(column, column + pen.shape[1]))
    bare = base.colours[part].astype(np.float32)
    face = bare * relief(pen, who, pose)[..., None]
    draw_features(pen, face, who, pose, blink)
    paint(face, np.maximum(base.fringe[part], 255 - base.skin[part]), bare)
    colours = base.colours.copy()
    colours[part] = np.clip(face, 0, 255)
    return cv2.GaussianBlur(colours, (0, 0), max(0.007 * unit, 0.4)).astype(np.uint8), base.cover


def draw_shoulders(who: Person, unit: int) -> tuple[Image, Mask]:
    """Draw clothed shoulders.

    Returns:
        Colours ``uint8 (H, W, 3)``, blue-green-red, and coverage ``uint8 (H, W)``, where H is ``unit`` and W ``unit``
        times twice ``HALF_WIDTH``; the upper edge lies ``SHOULDERS_BELOW`` under the middle of the face square.
    """
    pen = Pen(unit, -HALF_WIDTH, SHOULDERS_BELOW, 2 * HALF_WIDTH, 1.0)
    right = np.concatenate([curve((0.2, 0.6), (0.42, 0.66), (0.6, 0.82)), line((0.68, 1.5))])
    cover = pen.fill(pen.blank(), np.concatenate([right, mirrored(right)]))
    canvas: Canvas = np.empty((*pen.shape, 3), np.float32)
    canvas[:] = who.shirt
    canvas *= np.linspace(1.08, 0.8, pen.shape[0], dtype=np.float32)[:, None, None]
    seams = pen.blank()
    for side in (-1.0, 1.0):
        pen.stroke(seams, curve((side * 0.23, 0.6), (side * 0.12, 0.74), (0.0, 0.79)), 0.03)
        pen.stroke(seams, curve((side * 0.46, 0.8), (side * 0.42, 1.0), (side * 0.44, 1.4)), 0.02)
    paint(canvas, pen.blur(seams, 0.01), scaled(who.shirt, 0.6), 0.8)
    return np.clip(canvas, 0, 255).astype(np.uint8), cover


@dataclass(frozen=True, slots=True)
class _Base:
    """A head without a face.

    Attributes:
        colours: ``uint8 (H, W, 3)``.
        cover: ``uint8 (H, W)``, what belongs to the head, its hair or its neck.
        skin: ``uint8 (H, W)``, the head without ears, and without regard to hair.
        fringe: ``uint8 (H, W)``, the hair in front of the head.
    """

    colours: NDArray[np.uint8]
    cover: Mask
    skin: Mask
    fringe: Mask


@lru_cache(maxsize=8)
def _base(who: Person, unit: int, jaw: float) -> _Base:
    """Neck, ears, skull and hair; kept, because many poses share them."""
    pen = Pen(unit, -HALF_WIDTH, -ABOVE, 2 * HALF_WIDTH, ABOVE + BELOW)
    chin_y = who.chin_y + jaw
    canvas: Canvas = np.empty((*pen.shape, 3), np.float32)
    canvas[:] = scaled(who.skin, 0.5)
    hair = pen.fill(pen.blank(), _hair_outline(who))
    paint(canvas, hair, who.hair)
    collar = curve((0.22, 0.62), (0.0, 0.74), (-0.22, 0.62))
    neck = pen.fill(pen.blank(), np.concatenate([line((-0.21, 0.2), (0.21, 0.2)), collar]))
    paint(canvas, neck, scaled(who.skin, 0.62))
    cover = np.maximum(hair, neck)
    if not who.long_hair:
        ears = pen.blank()
        for side in (-1.0, 1.0):
            pen.ellipse(ears, (side * (who.head_width + 0.005), -0.03), (0.045, 0.1))
        paint(canvas, ears, scaled(who.skin, 0.72))
        cover = np.maximum(cover, ears)
    skin = pen.fill(pen.blank(), _head_outline(who, chin_y))
    paint(canvas, skin, _lit_skin(pen, who, chin_y))
    fringe = _draw_fringe(pen, canvas, who)
    return _Base(np.clip(canvas, 0, 255).astype(np.uint8), np.maximum(cover, skin), skin, fringe)


def _head_outline(who: Person, chin_y: float) -> Points:
    """The outline of the skin: a skull above the cheekbones, a narrower jaw below."""
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    sine, cosine = np.sin(turn), np.cos(turn)
    top, middle = -0.66, -0.06
    y = middle + np.where(sine < 0, middle - top, chin_y - middle) * sine
    jaw = 1 - (1 - who.jaw_width) * np.clip(sine, 0, 1) ** 1.2 * np.abs(cosine) ** 0.3
    x = who.head_width * np.sign(cosine) * np.abs(cosine) ** np.where(sine < 0, 0.85, 0.72) * jaw
    return np.stack([x, y], 1)


def _lit_skin(pen: Pen, who: Person, chin_y: float) -> Canvas:
    """Skin lit as an egg: brightest where it faces the camera and the light."""
    height, width = pen.shape
    x = (np.arange(width, dtype=np.float32) + 0.5) / pen.unit + pen.left
    y = (np.arange(height, dtype=np.float32) + 0.5) / pen.unit + pen.top
    across, down = x[None] / (who.head_width * 1.04), (y[:, None] + 0.06) / (chin_y + 0.1)
    facing = np.sqrt(np.clip(1 - across**2 - 0.72 * down**2, 0.02, 1))
    light = np.clip(0.44 + 0.5 * facing + 0.13 * who.light * across - 0.07 * down, 0.3, 1.1)
    return np.asarray(light[..., None] * np.array(who.skin), np.float32)


def _hair_outline(who: Person) -> Points:
    """All that hair covers, seen from the front, the skull included."""
    turn = np.linspace(np.pi, 2 * np.pi, 25)
    side, crown_y = who.head_width + 0.045 + 0.5 * who.hair_volume, 0.66 + who.hair_volume
    crown = np.stack([side * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.8, -0.1 + crown_y * np.sin(turn)], 1)
    if who.long_hair:
        fall = line((side + 0.05, 0.3), (side + 0.02, 0.7), (-side - 0.02, 0.7), (-side - 0.05, 0.3))
    else:
        fall = line((side - 0.02, -0.1), (-side + 0.02, -0.1))
    return np.concatenate([crown, fall])


def _draw_fringe(pen: Pen, canvas: Canvas, who: Person) -> Mask:
    """Draw the hair over the forehead and down the temples with its sheen; returns what it covers."""
    side, top, part = who.head_width + 0.06, -0.84, 0.25 * who.parting
    edge, temple = (who.head_width - 0.06, 0.35) if who.long_hair else (who.head_width - 0.03, -0.2)
    crest = (part, who.hairline - 0.03)
    outline = np.concatenate(
        [
            line((-side, temple), (-side, top), (side, top), (side, temple), (edge, temple)),
            curve((edge - 0.015, -0.25), (0.72 * edge + 0.28 * part, who.hairline + 0.05), crest),
            curve(crest, (-0.72 * edge + 0.28 * part, who.hairline + 0.05), (-edge + 0.015, -0.25)),
            line((-edge, temple)),
        ]
    )
    mask = pen.blur(pen.fill(pen.blank(), outline), 0.008)
    paint(canvas, mask, who.hair)
    sheen = pen.blank()
    for offset in (-0.28, -0.1, 0.12, 0.27):
        pen.stroke(sheen, curve((part, -0.6), (part * 0.5 + offset, -0.58), (1.3 * offset, -0.42)), 0.03)
    paint(canvas, np.minimum(pen.blur(sheen, 0.025), mask), scaled(who.hair, 1.0, 40.0), 0.55)
    return mask
