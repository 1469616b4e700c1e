"""Fitting a detector's box calibration on faces whose square is known."""

from __future__ import annotations

import itertools
import lzma
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.crop import crop_face
from edge_agent.model_format.labels import FER2013
from edge_agent.model_format.metadata import FACE_SIZE
from edge_agent.types import Image
from edge_agent.vision.box_calibration import BoxCalibration, RawFace
from train.data.dataset import FaceSet
from train.data.load import load
from train.measure.box_calibration import fit_box_calibration
from train.measure.box_calibration_report import box_calibration_report
from train.measure.canvas import on_canvas
from train.measure.detector_agreement import measure_detector_agreement


class SpotDetector:
    """Finds the bright square of a dark image, and boxes it in a way of its own."""

    name = "spot"

    def __init__(self, calibration: BoxCalibration = BoxCalibration(1.0), wide: float = 1.0, high: float = 1.0) -> None:  # noqa: B008
        self.calibration, self._wide, self._high = calibration, wide, high

    def find(self, image: Image) -> list[RawFace]:
        rows, columns = np.nonzero(image > 200)
        if not len(rows):
            return []
        left, top, side = float(columns.min()), float(rows.min()), float(np.ptp(columns) + 1)
        return [RawFace(left, top, self._wide * side, self._high * side)]


def spots(count: int) -> NDArray[np.uint8]:
    """Crops with a bright square of half their side in the middle, on black."""
    faces = np.zeros((count, FACE_SIZE, FACE_SIZE), np.uint8)
    faces[:, 12:36, 12:36] = 255
    return faces


def test_a_face_is_placed_where_its_square_says() -> None:
    face = np.random.default_rng(0).integers(0, 256, (FACE_SIZE, FACE_SIZE), np.uint8)
    image, square = on_canvas(face, FACE_SIZE)
    np.testing.assert_array_equal(crop_face(image, square.left, square.top, square.side), face)
    assert image.shape == (2 * FACE_SIZE, 2 * FACE_SIZE)
    assert image[0, 0] == round(float(face.mean()))


def test_the_scale_and_offset_of_a_known_calibration_are_found_again() -> None:
    """The spot takes the middle half of the face; its box is half again as wide and half as high, cut from above."""
    fit = fit_box_calibration(spots(40), SpotDetector(wide=1.5, high=0.5))
    size = 0.5 * 0.75**0.5
    assert fit.found == fit.faces == 40
    assert fit.fitted.scale == pytest.approx(1 / size, rel=0.04)
    assert fit.fitted.right == pytest.approx(-0.125 / size, abs=0.03)
    assert fit.fitted.down == pytest.approx(0.125 / size, abs=0.03)
    assert fit.overlap[1] > 0.9


def test_the_constants_in_use_are_judged_beside_the_fitted_ones() -> None:
    fit = fit_box_calibration(spots(20), SpotDetector(BoxCalibration(scale=4.0)))
    assert fit.in_use == BoxCalibration(scale=4.0)
    assert fit.in_use_overlap[0] == pytest.approx(0.25, abs=0.03)


def test_a_detector_that_finds_nothing_is_an_error() -> None:
    with pytest.raises(InputError, match="spot on 30 faces: got 0 found, expected at least 10"):
        fit_box_calibration(np.zeros((30, FACE_SIZE, FACE_SIZE), np.uint8), SpotDetector())


def test_two_detectors_with_like_squares_agree() -> None:
    picture = np.zeros((200, 300), np.uint8)
    picture[50:90, 100:140] = 255
    same = measure_detector_agreement([picture], SpotDetector(), SpotDetector(BoxCalibration(1.1, right=0.05)))
    assert same is not None
    assert (same.pairs, same.side, same.right) == (1, pytest.approx(1.1), pytest.approx(0.05))
    assert measure_detector_agreement([np.zeros((9, 9), np.uint8)], SpotDetector(), SpotDetector()) is None


def test_haars_constants_are_those_that_fer2013_gives(data_dir: Path, tmp_path: Path) -> None:
    """A hundred faces fix the scale to a few percent. The constants come from 3,000: docs/box-calibration.md."""
    some = tmp_path / "fer2013.csv"
    with lzma.open(data_dir / "fer2013" / "fer2013.csv.xz", "rt") as lines:
        some.write_text("".join(itertools.islice(lines, 101)))
    fits, report = box_calibration_report(load(some), None, None, count=100)
    assert [fit.faces for fit in fits] == [100]
    assert fits[0].in_use.scale == pytest.approx(fits[0].fitted.scale, rel=0.05)
    assert abs(fits[0].fitted.right) < 0.03
    assert abs(fits[0].fitted.down) < 0.03
    assert "| haar, in use" in report


def test_only_fer2013s_training_rows_are_fitted_on() -> None:
    blank = np.array([""] * 12)
    other = FaceSet("mine", spots(12)[..., None], np.zeros(12, np.int64), FER2013, blank, blank, blank, blank)
    with pytest.raises(InputError, match="mine has no part Training"):
        box_calibration_report(other, None, None)
