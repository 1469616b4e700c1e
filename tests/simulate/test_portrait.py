"""One drawn face on its own."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.errors import InputError
from edge_agent.model_format.crop import crop_face
from edge_agent.model_format.labels import FER2013
from edge_agent.simulate import Portrait, draw_face
from edge_agent.types import Image


def face(portrait: Portrait) -> Image:
    return crop_face(portrait.image, portrait.box.left, portrait.box.top, portrait.box.side)


def apart(one: Portrait, other: Portrait) -> float:
    """Mean difference of two faces in gray levels."""
    return float(np.abs(face(one).astype(float) - face(other)).mean())


@pytest.mark.parametrize("side", [2, 97, 240, 700])
def test_a_portrait_has_the_side_asked_for_and_its_face_in_the_middle(side: int) -> None:
    portrait = draw_face("happy", 1.0, seed=1, side_px=side)
    assert portrait.image.shape == (side, side, 3)
    assert portrait.box.center == (side / 2, side / 2)


def test_equal_arguments_give_equal_pixels() -> None:
    assert np.array_equal(draw_face("fear", 0.7, 5, 200).image, draw_face("fear", 0.7, 5, 200).image)


def test_every_expression_looks_different_from_every_other() -> None:
    drawn = {name: draw_face(name, 1.0, seed=2, side_px=160) for name in FER2013}
    assert min(apart(drawn[a], drawn[b]) for a in FER2013 for b in FER2013 if a != b) > 3.0


def test_an_expression_grows_with_its_intensity() -> None:
    rest = draw_face("neutral", 1.0, seed=4, side_px=160)
    growth = [apart(rest, draw_face("surprise", step / 4, seed=4, side_px=160)) for step in range(5)]
    assert growth[0] == 0.0
    assert growth == sorted(growth)
    assert growth[-1] > 5.0


def test_people_differ() -> None:
    people = [draw_face("neutral", 1.0, seed, 160) for seed in range(6)]
    assert min(apart(a, b) for index, a in enumerate(people) for b in people[:index]) > 3.0


@pytest.mark.parametrize(
    ("expression", "intensity", "side", "said"),
    [
        ("bored", 1.0, 96, "got 'bored', expected one of angry, disgust"),
        ("happy", 1.5, 96, "got 1.5, expected 0 to 1"),
        ("happy", 1.0, 0, "got 0, expected 2 pixels or more"),
    ],
)
def test_what_cannot_be_drawn_is_refused(expression: str, intensity: float, side: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        draw_face(expression, intensity, 1, side)
