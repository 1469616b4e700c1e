"""Bringing faces of any size to the models'."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.model_format.crop import crop_face, to_face_tensor
from edge_agent.model_format.metadata import FACE_SIZE

RAMP = np.tile(np.linspace(20, 230, 24).astype(np.uint8), (24, 1))


def test_a_small_face_is_enlarged_without_repeating_its_pixels() -> None:
    enlarged = to_face_tensor(RAMP)

    assert enlarged.shape == (FACE_SIZE, FACE_SIZE)
    assert np.all(np.diff(enlarged.astype(int), axis=1)[:, 2:-2] > 0)


def test_enlarging_keeps_to_the_range_of_levels() -> None:
    edge = np.zeros((12, 12), np.uint8)
    edge[:, 6:] = 255
    enlarged = to_face_tensor(edge)  # bicubic weights are partly negative: unclipped they would overshoot and wrap
    assert enlarged[:, :18].max() == 0
    assert enlarged[:, -18:].min() == 255


def test_a_large_face_is_averaged_so_that_fine_patterns_do_not_alias() -> None:
    stripes = np.zeros((480, 480), np.uint8)
    stripes[:, ::2] = 200
    assert to_face_tensor(stripes) == pytest.approx(np.full((48, 48), 100))


def test_a_face_of_the_models_size_is_left_alone() -> None:
    face = np.random.default_rng(1).integers(0, 256, (48, 48), dtype=np.uint8)
    assert to_face_tensor(face) is face


def test_a_square_over_the_edge_repeats_the_border() -> None:
    image = np.full((60, 60), 10, np.uint8)
    image[:, 0] = 90
    face = crop_face(image, -24, 6, 48)
    assert np.all(face[:, :25] == 90)
    assert np.all(face[:, 25:] == 10)
