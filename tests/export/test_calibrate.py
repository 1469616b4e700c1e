"""Choosing calibration faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from export.calibrate import choose_calibration

LABELS = np.repeat(np.arange(4), [100, 100, 5, 100])


def numbered(count: int) -> NDArray[np.uint8]:
    """Faces that carry their row number: its two bytes are the first two pixels."""
    faces = np.full((count, 48, 48, 1), 128, np.uint8)
    faces[:, 0, 0, 0], faces[:, 0, 1, 0] = np.arange(count) // 256, np.arange(count) % 256
    return faces


def rows_of(faces: NDArray[np.uint8]) -> NDArray[np.int64]:
    return faces[:-2, 0, 0, 0].astype(np.int64) * 256 + faces[:-2, 0, 1, 0]


def test_each_class_gives_alike_and_the_rare_one_all_it_has() -> None:
    chosen = choose_calibration(numbered(len(LABELS)), LABELS, count=65)

    np.testing.assert_array_equal(np.bincount(LABELS[rows_of(chosen)]), [20, 20, 5, 20])


def test_no_face_is_taken_twice() -> None:
    rows = rows_of(choose_calibration(numbered(len(LABELS)), LABELS, count=200))

    assert len(np.unique(rows)) == 200


def test_fewer_faces_than_asked_for_are_all_taken() -> None:
    assert len(choose_calibration(numbered(len(LABELS)), LABELS, count=10_000)) == len(LABELS) + 2


def test_the_seed_decides_the_drawing() -> None:
    faces = numbered(len(LABELS))

    np.testing.assert_array_equal(choose_calibration(faces, LABELS, 40), choose_calibration(faces, LABELS, 40))
    assert not np.array_equal(choose_calibration(faces, LABELS, 40), choose_calibration(faces, LABELS, 40, seed=1))


def test_calibration_spans_the_whole_range_of_levels() -> None:
    chosen = choose_calibration(np.full((9, 48, 48, 3), 77, np.uint8), np.zeros(9, np.int64))

    assert chosen.dtype == np.uint8
    assert (chosen.min(), chosen.max()) == (0, 255)
