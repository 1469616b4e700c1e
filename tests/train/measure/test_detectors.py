"""Scoring face detectors against scenes whose faces are known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.errors import InputError
from edge_agent.types import Box, Detection, Image
from edge_agent.vision.haar import HaarSearch
from train.measure.detectors import detector_report, score_detector
from train.measure.scenes import Scene, classroom_scenes, photo_scenes

BLANK = np.zeros((100, 100), np.uint8)


class Fixed:
    """Finds the same boxes everywhere."""

    def __init__(self, *boxes: Box) -> None:
        self._boxes = boxes

    def detect(self, image: Image) -> list[Detection]:
        assert image.dtype == np.uint8
        return [Detection(box, 1.0) for box in self._boxes]


def test_a_second_box_on_a_face_is_false() -> None:
    score = score_detector(Fixed(Box(10, 10, 40), Box(12, 10, 40)), [Scene(BLANK, (Box(10, 10, 40),))])
    assert (score.faces, score.found, score.false) == (1, 1, 1)


def test_a_box_far_from_every_face_is_false_and_the_face_is_missed() -> None:
    score = score_detector(Fixed(Box(60, 60, 40)), [Scene(BLANK, (Box(10, 10, 40),))])
    assert (score.faces, score.found, score.false) == (1, 0, 1)


def test_a_box_on_an_unclear_face_counts_neither_way() -> None:
    score = score_detector(Fixed(Box(10, 10, 40)), [Scene(BLANK, (), (Box(10, 10, 40),))])
    assert (score.faces, score.found, score.false) == (0, 0, 0)


def test_photos_grow_with_their_boxes(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((50, 80, 3), 90, np.uint8))
    (tmp_path / "boxes.json").write_text('{"a.png": [[10, 20, 16, 17]]}')
    plain, double = photo_scenes(tmp_path, sizes=(1.0, 2.0))
    assert plain.faces == (Box(10, 20, 16),)
    assert (double.image.shape, double.faces) == ((100, 160, 3), (Box(20, 40, 32),))


def test_a_list_of_boxes_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((50, 80, 3), 90, np.uint8))
    (tmp_path / "boxes.json").write_text('{"a.png": [[10, 20, 16, 17]]}', encoding="utf-8-sig")
    (scene,) = photo_scenes(tmp_path, sizes=(1.0,))
    assert scene.faces == (Box(10, 20, 16),)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"a.png": [[1, 2]]}', '{"a.png": 7}', '{"a.png": [[1, 2, NaN, 4]]}', '{"gone.png": []}']
)
def test_a_broken_list_of_boxes_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "boxes.json").write_text(content)
    with pytest.raises(InputError, match=r"boxes\.json|gone\.png"):
        photo_scenes(tmp_path)


def test_drawn_classes_hold_as_many_faces_as_they_are_asked_for() -> None:
    (scene,) = classroom_scenes(classes=(4,), times_s=(3.0,))
    assert len(scene.faces) + len(scene.unclear) == 4


def test_the_report_marks_the_search_in_use() -> None:
    report = detector_report(None, None, [HaarSearch(), HaarSearch(max_side_px=320)], classes=(2,))
    assert "960 px, in use |" in report
    assert "320 px, in use" not in report
