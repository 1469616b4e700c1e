"""How well a camera sees its classroom: faces that are too small, too dark or turned away, and what to do about it.

Nothing of the picture is kept beyond places, sizes and levels.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from edge_agent.types import Box, Detection, Image
from edge_agent.vision.camera_state import DARK_BELOW
from edge_agent.vision.readability import MIN_MIDDLE_RANGE, gray_range, middle_of, pose_trouble

Problem = Literal["small", "dark", "steep", "cut"]

SMALL_PX: Final = 32
"""A face of 24 pixels loses four points of accuracy, one of 16 twelve (model card)."""

DARK_LEVEL: Final = 40.0
"""Mean level of 255 under which a face counts as dark: at 15 % of good light, a level of about 20, it loses twelve."""

FLAT_LEVELS: Final = 25.0
"""A face whose levels differ by less from its darkest to its brightest parts counts as dark too: against a window."""

STEEP_ROLL_DEG: Final = 20.0
"""A head tilted by so much loses five points of accuracy."""

STEEP_EYES: Final = 0.2
"""Eyes nearer to each other than this, in sides of the face, belong to a head turned away; in front they have 0.35."""

_PERSON_SIDES: Final = 3.0
"""A person at a desk takes a square of so many sides of the face."""

_SAME_PLACE: Final = 1.0
"""Faces whose middles are closer than this, in sides, are at one desk."""

_LITTLE_SHARE: Final = 0.15
_GRID: Final = 48


@dataclass(frozen=True, slots=True)
class AimedFace:
    """A face as the camera sees it.

    Attributes:
        box: Where, in pixels of the frame.
        score: The detector's confidence.
        roll_deg: How far the head is tilted, clockwise; ``None`` where the detector finds no eyes.
        problems: What makes its expression hard to read.
    """

    box: Box
    score: float
    roll_deg: float | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Aim:
    """What one frame, and the places of earlier ones, say about how the camera is aimed.

    Attributes:
        size: Width and height of the frame in pixels.
        faces: From top to bottom and left to right.
        level: Mean level of the frame, 0 to 255.
        places: At how many places faces were seen so far.
        covered_share: Share of the frame that these places take up, with the people around the faces.
        off_center: Where these places lie: ``left``, ``right``, ``top``, ``bottom`` or a combination; empty where they
            are in the middle.
        turned: Whether faces are upside down or on their side. Then nothing else can be said of them.
    """

    size: tuple[int, int]
    faces: tuple[AimedFace, ...]
    level: float
    places: int
    covered_share: float
    off_center: str = ""
    turned: bool = False


class Aiming:
    """Judges frames and remembers where faces were. One thread only."""

    def __init__(self) -> None:
        self._places: list[Box] = []
        self._size = (0, 0)

    @property
    def judged(self) -> bool:
        """Whether a frame was judged before."""
        return self._size != (0, 0)

    def judge(self, image: Image, detections: Sequence[Detection], *, turned: bool = False) -> Aim:
        """Take in a frame.

        Args:
            image: ``uint8 (height, width, 3)``.
            detections: The faces found in it.
            turned: Whether they are not upright.
        """
        height, width = image.shape[:2]
        if self._size != (width, height):
            self._size, self._places = (width, height), []
        faces = [judge_face(image, detection) for detection in detections]
        for face in faces:
            if not any(_same_place(face.box, place) for place in self._places):
                self._places.append(face.box)
        return Aim(
            size=(width, height),
            faces=tuple(sorted(faces, key=lambda face: (face.box.top, face.box.left))),
            level=float(image[::8].mean()),
            places=len(self._places),
            covered_share=_covered(self._places, width, height),
            off_center=_off_center(self._places, width, height),
            turned=turned,
        )


def judge_face(image: Image, detection: Detection) -> AimedFace:
    """What makes a face's expression hard to read."""
    box, height, width = detection.box, *image.shape[:2]
    left, top = max(0, int(box.left)), max(0, int(box.top))
    part = image[top : max(top + 1, int(box.top + box.side)), left : max(left + 1, int(box.left + box.side))]
    problems: list[Problem] = []
    if box.side < SMALL_PX:
        problems.append("small")
    if part.size:
        low, high = np.percentile(part, [5, 95])
        middle = middle_of(part)
        in_middle = gray_range(middle) if middle.size else high - low
        if part.mean() < DARK_LEVEL or high - low < FLAT_LEVELS or in_middle < MIN_MIDDLE_RANGE:
            problems.append("dark")
    roll_deg = None
    if detection.eyes is not None:
        (x0, y0), (x1, y1) = detection.eyes
        roll_deg = math.degrees(math.atan2(y1 - y0, x1 - x0))
        steep = abs(roll_deg) > STEEP_ROLL_DEG or math.hypot(x1 - x0, y1 - y0) < STEEP_EYES * box.side
        if steep or (detection.landmarks is not None and pose_trouble(detection.landmarks) is not None):
            problems.append("steep")
    margin = 0.1 * box.side
    if min(box.left, box.top, width - box.left - box.side, height - box.top - box.side) < -margin:
        problems.append("cut")
    return AimedFace(box, detection.score, roll_deg, tuple(problems))


def sizes(faces: Sequence[AimedFace]) -> str:
    """How many faces there are and how large: ``12 faces of 36 to 92 pixels (median 58)``."""
    if not faces:
        return "no face found"
    sides = sorted(round(face.box.side) for face in faces)
    if len(sides) == 1:
        return f"1 face of {sides[0]} pixels"
    return f"{len(sides)} faces of {sides[0]} to {sides[-1]} pixels (median {sides[len(sides) // 2]})"


def advice(aim: Aim) -> list[str]:
    """What to do, most urgent first, in sentences; one that says so where nothing has to be done.

    None for a turned picture: the camera has to be turned first.
    """
    if aim.level < DARK_BELOW:
        return ["The picture is black. Take the cover off the lens, or switch the light on"]
    if aim.turned:
        return []
    if not aim.faces and not aim.places:
        return ["Nobody was found. Let somebody sit at a desk and look to the front"]
    problems = Counter(problem for face in aim.faces for problem in face.problems)
    found, said = len(aim.faces), []
    if problems["small"]:
        said.append(
            f"{_of(problems['small'], found)} under {SMALL_PX} pixels: move the camera closer, zoom in, or ask for "
            "larger frames (width_px, height_px)"
        )
    if problems["dark"]:
        said.append(f"{_of(problems['dark'], found)} too dark: more light from the front, no window behind people")
    if problems["steep"]:
        said.append(
            f"{_of(problems['steep'], found)} turned away or tilted: put the camera where people look, near the board"
        )
    if problems["cut"]:
        said.append(f"{_of(problems['cut'], found)} cut by the edge of the picture: turn the camera")
    if aim.covered_share < _LITTLE_SHARE and aim.places > 1:
        said.append(f"People take up only {aim.covered_share:.0%} of the picture: zoom in or move closer")
    if aim.off_center:
        said.append(f"All people are at the {aim.off_center} of the picture: turn the camera that way")
    return said or ["Good: everybody found is large, bright and straight enough"]


def _of(count: int, found: int) -> str:
    return f"{count} of {found} faces {'is' if count == 1 else 'are'}" if found > 1 else "The face is"


def _same_place(one: Box, other: Box) -> bool:
    return math.dist(one.center, other.center) < _SAME_PLACE * max(one.side, other.side)


def _covered(places: Sequence[Box], width: int, height: int) -> float:
    cells = np.zeros((_GRID, _GRID), bool)
    for box in places:
        x, y = box.center
        half = _PERSON_SIDES / 2 * box.side
        columns, rows = (
            slice(max(0, round((middle - half) / whole * _GRID)), max(0, round((middle + half) / whole * _GRID)))
            for middle, whole in ((x, width), (y, height))
        )
        cells[rows, columns] = True
    return float(cells.mean())


def _off_center(places: Sequence[Box], width: int, height: int) -> str:
    """In which half all places lie, where they leave the other one and a part of their own empty."""
    if not places:
        return ""
    words = []
    for low, high, starts, ends in (
        ("top", "bottom", [box.top / height for box in places], [(box.top + box.side) / height for box in places]),
        ("left", "right", [box.left / width for box in places], [(box.left + box.side) / width for box in places]),
    ):
        if max(ends) < 0.45:
            words.append(low)
        elif min(starts) > 0.55:
            words.append(high)
    return " ".join(words)
