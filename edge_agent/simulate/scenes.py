"""Drawn scenes in which people move as the seated class does not: walking, crossing, bending down, at a tight bench.

Each scene is a pure function of time, like the simulated classroom: pictures for a camera, and the truth to judge by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from edge_agent.simulate.person import person
from edge_agent.simulate.room import draw_room
from edge_agent.simulate.seating import arrange
from edge_agent.simulate.stamp import Stamp, head_stamp, shoulder_stamp
from edge_agent.types import Box, Image

WIDTH_PX, HEIGHT_PX = 1280, 720
_NOISE = 3.5  # standard deviation of the sensor's noise in gray levels
_SEED = 7


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody's face is.

    Attributes:
        x: Middle of the face square, in pixels.
        y: Likewise.
        side: Its side.
        desk_y: The row from which on a desk hides them; the picture's height where there is none.
    """

    x: float
    y: float
    side: float
    desk_y: float = HEIGHT_PX

    @property
    def box(self) -> Box:
        """The face square."""
        return Box(self.x - self.side / 2, self.y - self.side / 2, self.side)

    @property
    def visible(self) -> bool:
        """Whether most of the face is in the picture and above the desk."""
        inside = 0.3 * self.side
        return inside <= self.x <= WIDTH_PX - inside and inside <= self.y and self.y + 0.38 * self.side < self.desk_y


Path = Callable[[float], Place | None]
"""Where somebody is, seconds after the start; ``None`` while they are not there."""


@dataclass(frozen=True, slots=True)
class Scene:
    """People on their ways.

    Attributes:
        name: What to call it.
        seconds: How long it lasts.
        paths: One for each person, drawn in this order: later ones stand in front.
        pictures: Places of faces that are pictures on the wall, not people.
        detected: Share of the faces that a detector is to be allowed to find, where it is made worse on purpose.
    """

    name: str
    seconds: float
    paths: tuple[Path, ...]
    pictures: tuple[Place, ...] = ()
    detected: float = 1.0

    def truth(self, t: float) -> dict[int, Box]:
        """The faces to be seen at a time, by person. Who is hidden behind somebody else is not among them."""
        places = {number: path(t) for number, path in enumerate(self.paths)}
        there = {number: place for number, place in places.items() if place is not None and place.visible}
        return {
            number: place.box
            for number, place in there.items()
            if not any(_hides(other, place) for front, other in there.items() if front > number)
        }

    def render(self, t: float) -> Image:
        """The picture at a time, ``uint8 (720, 1280, 3)``, blue-green-red."""
        image: Image = _room().copy()
        for number, place in enumerate(self.pictures):
            _head(900 + number, place.side).lay(image, place.x, place.y, round(place.y + 0.5 * place.side))
        for number, path in enumerate(self.paths):
            if (person_at := path(t)) is not None:
                x, y, desk = person_at.x, person_at.y, round(person_at.desk_y)
                _shoulders(number, person_at.side).lay(image, x, y, desk)
                _head(number, person_at.side).lay(image, x, y, desk)
        noise = np.random.default_rng((_SEED, round(t * 1000))).integers(-6, 7, image.shape[:2], np.int16)
        return np.asarray(np.clip(image + noise[:, :, None], 0, 255), np.uint8)


def _hides(front: Place, behind: Place) -> bool:
    return abs(front.x - behind.x) < 0.6 * front.side and abs(front.y - behind.y) < 0.8 * front.side


@lru_cache(maxsize=1)
def _room() -> Image:
    room = draw_room(WIDTH_PX, HEIGHT_PX, arrange(6, WIDTH_PX, HEIGHT_PX), _SEED)
    return np.asarray(cv2.GaussianBlur(room, (0, 0), 0.8), np.uint8)


@lru_cache(maxsize=64)
def _head(number: int, side: float) -> Stamp:
    return head_stamp(person(_SEED * 1000 + number), ("neutral", "happy", "surprise")[number % 3], 1.0, 0.0, side)


@lru_cache(maxsize=64)
def _shoulders(number: int, side: float) -> Stamp:
    return shoulder_stamp(person(_SEED * 1000 + number), side)


def walking(speed: float, side: float, y: float, start_s: float, *, to_left: bool = False) -> Path:
    """Across the picture at ``speed`` sides of the face a second, from ``start_s`` on."""

    def at(t: float) -> Place | None:
        gone = (t - start_s) * speed * side - side
        if t < start_s or gone > WIDTH_PX + side:
            return None
        return Place(WIDTH_PX - gone if to_left else gone, y, side)

    return at


def sitting(x: float, y: float, side: float, sway: float = 0.04) -> Path:
    """In one place, with a little movement."""

    def at(t: float) -> Place:
        return Place(x + sway * side * np.sin(1.3 * t + x), y + 0.5 * sway * side * np.sin(1.9 * t + x), side, y + side)

    return at


def bending(x: float, y: float, side: float, at_s: float, away_s: float) -> Path:
    """Sitting, and down behind the desk from ``at_s`` on for ``away_s``."""

    def at(t: float) -> Place:
        down = np.clip(min((t - at_s) / 0.4, (at_s + away_s - t) / 0.4), 0.0, 1.0)
        return Place(x, y + 2.2 * side * float(down), side, y + side)

    return at


def entering(seat_x: float, y: float, side: float, start_s: float, stay_s: float) -> Path:
    """From the right edge to a seat at two sides a second, there for ``stay_s``, and out again."""
    way_s = (WIDTH_PX + side - seat_x) / (2.0 * side)

    def at(t: float) -> Place | None:
        since = t - start_s
        if since < 0 or since > 2 * way_s + stay_s:
            return None
        gone = min(since, way_s) if since < way_s + stay_s else 2 * way_s + stay_s - since
        return Place(WIDTH_PX + side - 2.0 * side * gone, y, side)

    return at


SCENES = (
    Scene(
        "walkers",
        28.0,
        tuple(
            walking(speed, 76.0 - 4 * number, 240.0, 4.2 * number, to_left=bool(number % 2))
            for number, speed in enumerate((2.0, 4.0, 6.0, 8.0, 10.0, 12.0))
        ),
    ),
    Scene(
        "crossing",
        20.0,
        (
            walking(3.0, 70.0, 250.0, 0.0),
            walking(3.0, 80.0, 262.0, 0.0, to_left=True),
            walking(5.0, 64.0, 250.0, 9.0),
            walking(4.0, 72.0, 246.0, 9.0, to_left=True),
        ),
    ),
    Scene("bench", 20.0, tuple(sitting(300.0 + 92.0 * seat, 300.0, 80.0) for seat in range(7)), detected=0.6),
    Scene(
        "doors",
        30.0,
        (
            sitting(200.0, 300.0, 80.0),
            entering(420.0, 300.0, 80.0, 1.0, 14.0),
            entering(640.0, 300.0, 78.0, 6.0, 6.0),
            entering(820.0, 300.0, 82.0, 12.0, 5.0),
        ),
    ),
    Scene(
        "bending",
        20.0,
        (
            bending(250.0, 300.0, 84.0, 4.0, 1.2),
            bending(520.0, 300.0, 80.0, 8.0, 1.0),
            bending(800.0, 300.0, 88.0, 10.0, 5.0),
            sitting(1050.0, 300.0, 80.0),
        ),
    ),
    Scene("poster", 12.0, (sitting(420.0, 330.0, 90.0),), pictures=(Place(900.0, 180.0, 60.0),)),
)
"""All of them."""
