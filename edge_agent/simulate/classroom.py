"""The simulated classroom as a camera would see it, and the truth about it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.simulate import script
from edge_agent.simulate.head import ABOVE
from edge_agent.simulate.person import person
from edge_agent.simulate.room import draw_room
from edge_agent.simulate.seating import DESK_BELOW, Seat, arrange
from edge_agent.simulate.stamp import Stamp, StampCache, head_stamp, shoulder_stamp
from edge_agent.types import Box, Image

_ROLL_DEG = 1.2  # steps in which heads turn, so that what was drawn can be used again
_HIDDEN = 0.12  # a face of which the desk hides more than this share no longer counts as present
_NOISE = 3.5  # standard deviation of the sensor's noise in gray levels
_NOISE_MARGIN = 61  # pixels by which the stock of noise is larger than a picture
_CACHE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class SimulatedFace:
    """What is true about a seat at a time.

    Attributes:
        seat: Its number, from 0.
        box: The face's square as FER2013's are cropped, in pixels; of an absent person, where it would be.
        expression: One of FER2013's labels.
        intensity: From 0 (at rest) to 1 (full).
        present: Whether the face is to be seen.
    """

    seat: int
    box: Box
    expression: str
    intensity: float
    present: bool


class SimulatedClassroom:
    """A class at which one can look at any time of its lesson.

    Pictures and truth follow from the arguments and the time alone: two classrooms made alike show the same pixels,
    whatever was looked at before.

    Args:
        faces: How many people belong to the class, 0 to 40; each is away at times.
        width_px: Width of the picture.
        height_px: Its height.
        seed: Which class and which lesson.
    """

    def __init__(self, faces: int, width_px: int, height_px: int, seed: int) -> None:
        self._seed = seed
        self._seats = arrange(faces, width_px, height_px)
        self._people = [person(seed * 1000 + number) for number in range(faces)]
        self._room = draw_room(width_px, height_px, self._seats, seed)
        self._noise = _noise(width_px + _NOISE_MARGIN, height_px + _NOISE_MARGIN, seed)
        self._shoulders = [shoulder_stamp(who, seat.side) for who, seat in zip(self._people, self._seats, strict=True)]
        self._upright, self._rolled = StampCache(_CACHE_BYTES), StampCache(_CACHE_BYTES // 2)

    def truth(self, t: float) -> tuple[SimulatedFace, ...]:
        """Everybody of the class ``t`` seconds after the start of the lesson, by seat."""
        return tuple(self._face(number, seat, t) for number, seat in enumerate(self._seats))

    def render(self, t: float) -> Image:
        """The picture ``t`` seconds after the start, ``uint8 (height_px, width_px, 3)``, blue-green-red."""
        image: Image = self._room.copy()
        for number, seat in enumerate(self._seats):
            self._draw_person(image, number, seat, t)
        height, width = image.shape[:2]
        tick = round(t * 1000)
        down, right = 37 * tick % _NOISE_MARGIN, 101 * tick // 7 % _NOISE_MARGIN
        noise = self._noise[down : down + height, right : right + width]
        cv2.addWeighted(image, script.light_at(self._seed, t), noise, 1.0, -128.0, dst=image)
        return image

    def _face(self, number: int, seat: Seat, t: float) -> SimulatedFace:
        x, y = self._middle(number, seat, t)
        expression, intensity = script.expression_at(self._seed, number, t)
        box = Box(x - seat.side / 2, y - seat.side / 2, seat.side)
        return SimulatedFace(number, box, expression, intensity, y + (0.5 - _HIDDEN) * seat.side < seat.desk_y)

    def _middle(self, number: int, seat: Seat, t: float) -> tuple[float, float]:
        """Where the middle of a face square is."""
        motion = script.motion_at(self._seed, number, t)
        down = motion.y + script.sunk_at(self._seed, number, t) * (DESK_BELOW + ABOVE + 0.1)
        return seat.x + motion.x * seat.side, seat.y + down * seat.side

    def _draw_person(self, image: Image, number: int, seat: Seat, t: float) -> None:
        x, y = self._middle(number, seat, t)
        desk = round(seat.desk_y)
        self._shoulders[number].lay(image, (x + seat.x) / 2, y, desk)
        expression, intensity = script.expression_at(self._seed, number, t)
        blinks = script.blinks_at(self._seed, number, t)
        tilt = script.motion_at(self._seed, number, t).roll_deg + self._people[number].tilt_deg
        self._head(number, expression, intensity, blinks, round(tilt / _ROLL_DEG)).lay(image, x, y, desk)

    def _head(self, number: int, expression: str, intensity: float, blinks: bool, roll: int) -> Stamp:
        who, side = self._people[number], self._seats[number].side
        shown = expression if intensity > 0 else "neutral"  # all faces at rest are one picture
        key = (number, shown, intensity, blinks)

        def upright() -> Stamp:
            return self._upright.get(key, lambda: head_stamp(who, shown, intensity, float(blinks), side))

        if roll == 0:
            return upright()
        return self._rolled.get((key, roll), lambda: upright().rolled(roll * _ROLL_DEG))


def _noise(width: int, height: int, seed: int) -> Image:
    """A stock of sensor noise around 128, mostly of brightness, a little of colour."""
    rng = np.random.default_rng((seed, 0x4015E))
    shared = rng.standard_normal((height, width, 1), np.float32)
    noise = np.empty((height, width, 3), np.uint8)
    for row in range(height):  # one at a time: all together would need ten times the memory
        own = rng.standard_normal((width, 3), np.float32)
        noise[row] = np.clip(128.5 + _NOISE * (0.9 * shared[row] + 0.45 * own), 0, 255)
    return noise
