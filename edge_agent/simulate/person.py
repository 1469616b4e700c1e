"""What makes one drawn person differ from the next: skin, hair, shape of the head, glasses; all follows from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_agent.simulate.pen import Colour

_SKINS: tuple[Colour, ...] = (
    (176, 200, 236),
    (160, 186, 226),
    (148, 176, 220),
    (136, 164, 210),
    (124, 152, 200),
    (104, 134, 184),
    (88, 116, 166),
    (76, 102, 150),
)
_HAIRS: tuple[Colour, ...] = (
    (22, 22, 26),
    (30, 34, 44),
    (34, 44, 62),
    (42, 58, 86),
    (36, 52, 96),
    (62, 96, 136),
)
_SHIRTS: tuple[Colour, ...] = (
    (120, 70, 50),
    (60, 60, 150),
    (90, 120, 60),
    (140, 130, 120),
    (70, 60, 60),
    (150, 110, 60),
    (90, 90, 170),
    (60, 130, 150),
)


@dataclass(frozen=True, slots=True)
class Person:
    """The measures of a person that stay. Lengths are shares of the face square's side.

    Attributes:
        skin: Colour of the skin in full light.
        hair: Colour of hair and brows.
        shirt: Colour of the clothes.
        iris: Colour of the eyes.
        head_width: Half the width of the head.
        jaw_width: Half the width of the jaw as a share of the head's.
        chin_y: Where the chin ends.
        hairline: Where the forehead ends.
        long_hair: Whether the hair falls to the shoulders and hides the ears.
        hair_volume: How far the hair stands off the head, above the usual.
        parting: Where the hair parts, -1 (left) to 1 (right).
        eye_gap: Distance of the eyes' middles from the middle of the face.
        nose_width: Width of the nose, 1 is usual.
        lips: Thickness of the lips, 1 is usual.
        brows: Thickness of the brows, 1 is usual.
        glasses: Whether they wear any.
        light: Where the light comes from, -1 (left) to 1 (right).
        tilt_deg: How the head is usually held, degrees, clockwise.
    """

    skin: Colour
    hair: Colour
    shirt: Colour
    iris: Colour
    head_width: float
    jaw_width: float
    chin_y: float
    hairline: float
    long_hair: bool
    hair_volume: float
    parting: float
    eye_gap: float
    nose_width: float
    lips: float
    brows: float
    glasses: bool
    light: float
    tilt_deg: float


def person(seed: int) -> Person:
    """The person with this number; equal numbers give equal people."""
    rng = np.random.default_rng((seed, 0xFACE))
    skin_index = int(rng.integers(len(_SKINS)))
    dark = skin_index >= 5
    hair = _HAIRS[int(rng.integers(2 if dark else len(_HAIRS)))]
    tone = float(rng.uniform(0.95, 1.05))
    blue, green, red = _SKINS[skin_index]
    return Person(
        skin=(blue * tone, green * tone, min(red * tone, 255.0)),
        hair=hair,
        shirt=_SHIRTS[int(rng.integers(len(_SHIRTS)))],
        iris=((40.0, 50.0, 70.0), (60.0, 80.0, 60.0), (110.0, 90.0, 60.0))[0 if dark else int(rng.integers(3))],
        head_width=float(rng.uniform(0.41, 0.45)),
        jaw_width=float(rng.uniform(0.72, 0.86)),
        chin_y=float(rng.uniform(0.49, 0.53)),
        hairline=float(rng.uniform(-0.47, -0.41)),
        long_hair=bool(rng.random() < 0.35),
        hair_volume=float(rng.uniform(-0.02, 0.05)),
        parting=float(rng.uniform(-0.8, 0.8)),
        eye_gap=float(rng.uniform(0.183, 0.2)),
        nose_width=float(rng.uniform(0.88, 1.15)),
        lips=float(rng.uniform(0.85, 1.2)),
        brows=float(rng.uniform(0.85, 1.2)),
        glasses=bool(rng.random() < 0.18),
        light=float(rng.uniform(-0.7, 0.7)),
        tilt_deg=float(rng.normal(0.0, 1.5)),
    )
