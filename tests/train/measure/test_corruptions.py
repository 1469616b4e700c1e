"""What corruptions do to faces."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.exported import faces
from train.measure.corruptions import CORRUPTIONS, Corruption

NAMES = [f"{one.kind}, {one.strength}" for one in CORRUPTIONS]
FACES = faces(12)


def named(kind: str, number: int = 0) -> Corruption:
    return [one for one in CORRUPTIONS if one.kind == kind][number]


def distance(corrupted: NDArray[np.uint8]) -> float:
    return float(np.abs(corrupted.astype(np.float64) - FACES).mean())


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=NAMES)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_corrupted_face_is_another_face_of_the_same_kind(corruption: Corruption, channels: int) -> None:
    given = np.repeat(FACES, channels, axis=-1)
    before = given.copy()

    corrupted = corruption.apply(given)

    assert (corrupted.dtype, corrupted.shape) == (np.uint8, given.shape)
    np.testing.assert_array_equal(given, before)
    assert all(np.any(one != other) for one, other in zip(corrupted, given, strict=True))


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=NAMES)
def test_the_seed_decides_everything_and_each_face_stands_alone(corruption: Corruption) -> None:
    np.testing.assert_array_equal(corruption.apply(FACES, 3), corruption.apply(FACES, 3))
    np.testing.assert_array_equal(corruption.apply(FACES, 3)[:4], corruption.apply(FACES[:4], 3))


@pytest.mark.parametrize("kind", ["roll", "box shifted", "noise", "mask"])
def test_what_is_drawn_depends_on_the_seed(kind: str) -> None:
    assert np.any(named(kind).apply(FACES, 1) != named(kind).apply(FACES, 2))


@pytest.mark.parametrize("kind", ["small face", "blur", "darkness", "noise", "JPEG", "roll"])
def test_the_second_strength_corrupts_more_than_the_first(kind: str) -> None:
    assert distance(named(kind, 1).apply(FACES)) > distance(named(kind, 0).apply(FACES))


def test_a_mask_covers_the_mouth_and_spares_the_eyes() -> None:
    corrupted = named("mask").apply(FACES)
    assert all(len(np.unique(face[32:44, 14:34])) == 1 for face in corrupted)
    np.testing.assert_array_equal(corrupted[:, :23], FACES[:, :23])


def test_a_larger_box_shows_the_face_smaller_between_repeated_borders() -> None:
    face = np.zeros((1, 48, 48, 1), np.uint8)
    face[:, 12:36, 12:36] = 200
    corrupted = named("box scaled", 1).apply(face)
    assert (corrupted > 100).sum() == pytest.approx((24 / 1.2) ** 2, rel=0.1)


def test_a_shifted_box_moves_the_face_by_as_much() -> None:
    face = np.zeros((1, 48, 48, 1), np.uint8)
    face[:, 20:28, 20:28] = 255
    _, rows, columns, _ = np.nonzero(named("box shifted", 1).apply(face) > 100)
    assert np.hypot(rows.mean() - 23.5, columns.mean() - 23.5) == pytest.approx(0.2 * 48, abs=1.0)


def test_darkness_takes_light_and_detail() -> None:
    corrupted = named("darkness", 1).apply(FACES)
    assert corrupted.max() <= 39
    assert len(np.unique(corrupted)) < len(np.unique(FACES))
