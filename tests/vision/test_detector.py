"""Face detectors on drawn classrooms and group photos, and which of them the settings open."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest

from edge_agent.config import DetectorSettings
from edge_agent.errors import ModelError
from edge_agent.simulate import SimulatedClassroom
from edge_agent.types import Box, Image
from edge_agent.vision.box_calibration import BoxCalibration, RawFace
from edge_agent.vision.calibrated_detector import CalibratedDetector
from edge_agent.vision.detector import detector_note, open_detector
from edge_agent.vision.haar import HaarDetector, without_nested
from edge_agent.vision.readability import pose_trouble
from edge_agent.vision.weights import YUNET_FILE
from edge_agent.vision.yunet import YuNetDetector
from train.measure.detectors import score_detector
from train.measure.scenes import photo_scenes

CLASSROOM = SimulatedClassroom(6, 1280, 720, seed=1)
PICTURE = CLASSROOM.render(2.0)
TRUTH = [face.box for face in CLASSROOM.truth(2.0) if face.present]


@pytest.fixture(params=["haar", "yunet"])
def detector(request: pytest.FixtureRequest) -> CalibratedDetector:
    if request.param == "haar":
        return HaarDetector()
    return yunet(request.getfixturevalue("data_dir"))


def yunet(data_dir: Path, min_face_px: int = 24, min_score: float = 0.7) -> YuNetDetector:
    return YuNetDetector((data_dir / "detector" / YUNET_FILE).read_bytes(), YUNET_FILE, min_face_px, min_score)


def overlaps(boxes: Sequence[Box]) -> list[float]:
    """For each true face, how well the best box covers it."""
    return [max((face.iou(box) for box in boxes), default=0.0) for face in TRUTH]


def test_every_drawn_face_is_found_as_fer2013s_square(detector: CalibratedDetector) -> None:
    found = [detection.box for detection in detector.detect(PICTURE)]
    assert len(found) == len(TRUTH)
    assert min(overlaps(found)) > 0.6


def test_gray_and_colour_pictures_give_the_same_faces(detector: CalibratedDetector) -> None:
    gray = cv2.cvtColor(PICTURE, cv2.COLOR_BGR2GRAY).astype(np.uint8)
    assert len(detector.detect(gray)) == len(TRUTH)
    assert min(overlaps([detection.box for detection in detector.detect(gray)])) > 0.6


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (2000, 3), (48, 48), (23, 61)], ids=str)
@pytest.mark.parametrize("channels", [(), (3,)], ids=["gray", "colour"])
@pytest.mark.parametrize("level", [0, 255])
def test_a_blank_picture_of_any_shape_has_no_faces(
    detector: CalibratedDetector, size: tuple[int, int], channels: tuple[int, ...], level: int
) -> None:
    assert detector.detect(np.full((*size, *channels), level, np.uint8)) == []


def test_noise_in_the_dark_is_no_face(detector: CalibratedDetector) -> None:
    noise = np.random.default_rng(3).normal(4.0, 2.0, (360, 640)).clip(0, 255).astype(np.uint8)
    assert detector.detect(noise) == []


def test_a_part_of_a_picture_is_searched_without_being_copied_first(detector: CalibratedDetector) -> None:
    mirrored = PICTURE[:, ::-1]
    assert not mirrored.flags.c_contiguous
    assert len(detector.detect(mirrored)) == len(TRUTH)


def test_faces_smaller_than_asked_for_are_left_out(detector: CalibratedDetector, data_dir: Path) -> None:
    smallest = min(box.side for box in TRUTH)
    largest = max(box.side for box in TRUTH)
    tall = round(1.4 * largest)
    picky = HaarDetector(tall) if detector.name == "haar" else yunet(data_dir, min_face_px=tall)
    modest = HaarDetector(round(0.8 * smallest)) if detector.name == "haar" else yunet(data_dir, round(0.8 * smallest))
    assert picky.detect(PICTURE) == []
    assert len(modest.detect(PICTURE)) == len(TRUTH)


@pytest.mark.parametrize(("min_face_px", "longest"), [(24, 960), (80, 320), (1000, 26)])
def test_the_searched_picture_is_bounded_and_shrinks_as_the_wanted_faces_grow(min_face_px: int, longest: int) -> None:
    picture = np.zeros((720, 1280), np.uint8)
    assert round(1280 * HaarDetector(min_face_px).search_scale(picture)) == longest


def test_a_small_picture_is_never_enlarged() -> None:
    assert HaarDetector(12).search_scale(np.zeros((60, 80), np.uint8)) == 1.0


def test_a_dim_classroom_is_searched_like_a_bright_one(detector: CalibratedDetector) -> None:
    dim: Image = (PICTURE * 0.15).astype(np.uint8)
    assert len(detector.detect(dim)) >= len(TRUTH) - 1


def test_yunet_finds_every_face_of_the_group_photos_and_nothing_else(data_dir: Path) -> None:
    score = score_detector(yunet(data_dir), photo_scenes(data_dir / "faces", sizes=(1.0, 1.4)))
    assert (score.found, score.false) == (score.faces, 0)


def test_haar_finds_seven_in_ten_faces_of_the_group_photos_and_little_else(data_dir: Path) -> None:
    score = score_detector(HaarDetector(), photo_scenes(data_dir / "faces", sizes=(1.0,)))
    assert score.found >= 0.7 * score.faces
    assert score.false <= 1


def test_yunets_eyes_lie_in_the_upper_half_of_the_face_left_one_first(data_dir: Path) -> None:
    for detection in yunet(data_dir).detect(PICTURE):
        assert detection.eyes is not None
        (x0, y0), (x1, y1) = detection.eyes
        assert detection.landmarks is not None
        assert pose_trouble(detection.landmarks) is None
        box = detection.box
        assert box.left < x0 < x1 < box.left + box.side
        assert box.top < min(y0, y1) <= max(y0, y1) < box.center[1]


def test_yunet_finds_the_same_again_after_pictures_of_other_sizes(data_dir: Path) -> None:
    detector = yunet(data_dir)
    found = detector.detect(PICTURE)
    for other in (np.ascontiguousarray(np.rot90(PICTURE)), PICTURE[: PICTURE.shape[0] // 2]):
        detector.detect(other)
        assert detector.detect(PICTURE) == found


def test_yunet_leaves_out_faces_under_the_asked_score(data_dir: Path) -> None:
    scores = [detection.score for detection in yunet(data_dir).detect(PICTURE)]
    between = (min(scores) + max(scores)) / 2
    kept = [detection.score for detection in yunet(data_dir, min_score=between).detect(PICTURE)]
    assert 0 < len(kept) < len(scores)
    assert min(kept) >= between


def test_one_detector_takes_frames_of_changing_size(detector: CalibratedDetector) -> None:
    half = cv2.resize(PICTURE, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.uint8)
    before = len(detector.detect(PICTURE))
    assert len(detector.detect(half)) == len(TRUTH)
    assert len(detector.detect(PICTURE)) == before


def test_calibration_moves_and_scales_by_the_boxs_own_size() -> None:
    square = BoxCalibration(scale=1.5, right=0.5, down=-0.25).square(RawFace(10.0, 20.0, 40.0, 10.0))
    assert square == Box(10 + 20 + 10 - 15, 20 + 5 - 5 - 15, 30)


def test_of_boxes_on_one_place_the_strongest_stays() -> None:
    face, mouth, around = RawFace(100, 100, 60, 60), RawFace(115, 130, 30, 30), RawFace(60, 60, 140, 140)
    neighbour = RawFace(300, 100, 60, 60)
    assert without_nested([mouth, face, around, neighbour], [2, 9, 3, 4]) == [face, neighbour]


# -- what the settings open --------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the weights are looked for by default; empty."""
    monkeypatch.setenv("EDGE_AGENT_DATA", str(tmp_path))
    return tmp_path / YUNET_FILE


@pytest.fixture
def weights(data_dir: Path) -> bytes:
    return (data_dir / "detector" / YUNET_FILE).read_bytes()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_auto_is_haar_where_there_are_no_weights(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert not place.exists()
    assert open_detector(DetectorSettings()).name == "haar"
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "weights are missing" in caplog.messages[0]
    assert caplog.messages[0] == detector_note(DetectorSettings(), "haar")


@pytest.mark.parametrize(("kind", "name"), [("auto", "yunet"), ("haar", "haar"), ("yunet", "yunet")])
def test_nothing_is_noted_where_the_detector_is_good_or_chosen(
    kind: Literal["auto", "haar", "yunet"], name: str
) -> None:
    assert detector_note(DetectorSettings(kind=kind), name) == ""


def test_auto_is_yunet_where_its_weights_are(place: Path, weights: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    place.write_bytes(weights)
    assert open_detector(DetectorSettings()).name == "yunet"
    assert [record.levelname for record in caplog.records] == ["INFO"]


@pytest.mark.parametrize("damage", ["truncated", "empty", "other"])
def test_auto_falls_back_to_haar_with_a_warning_where_the_weights_are_broken(
    place: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    place.write_bytes({"truncated": b"\x08\x06\x12", "empty": b"", "other": b"hello" * 1000}[damage])
    caplog.set_level(logging.INFO)
    assert open_detector(DetectorSettings()).name == "haar"
    assert "detector fetch" in warnings(caplog)[0]
    assert "weights cannot be used" in caplog.messages[-1]


def test_auto_warns_where_the_named_weights_are_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert open_detector(DetectorSettings(weights=str(tmp_path / "gone.onnx"))).name == "haar"
    assert "no such file" in warnings(caplog)[0]


def test_yunet_without_weights_is_an_error_that_says_how_to_get_them(place: Path) -> None:
    with pytest.raises(ModelError, match=f"{place}: no such file.*detector fetch"):
        open_detector(DetectorSettings(kind="yunet"))


def test_the_default_place_accepts_the_pinned_bytes_alone(place: Path, weights: bytes) -> None:
    place.write_bytes(weights + DOC_STRING)
    with pytest.raises(ModelError, match=r"another sha256.*detector fetch"):
        open_detector(DetectorSettings(kind="yunet"))


def test_another_yunet_is_used_with_a_warning_where_the_settings_name_it(
    tmp_path: Path, weights: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    other = tmp_path / "mine.onnx"
    other.write_bytes(weights + DOC_STRING)
    detector = open_detector(DetectorSettings(kind="yunet", weights=str(other)))
    assert len(detector.detect(PICTURE)) == len(TRUTH)
    assert "mine.onnx is not the YuNet" in warnings(caplog)[0]


@pytest.mark.parametrize("kept", [0, 1, 1000, 116_000, 232_588])
def test_truncated_weights_are_an_error_and_no_crash(tmp_path: Path, weights: bytes, kept: int) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(weights[:kept])
    with pytest.raises(ModelError, match=f"broken.onnx is not YuNet: got {kept} bytes"):
        open_detector(DetectorSettings(kind="yunet", weights=str(broken)))


def test_another_network_is_an_error(tmp_path: Path) -> None:
    other = tmp_path / "relu.onnx"
    other.write_bytes(relu_network())
    with pytest.raises(ModelError, match=r"relu.onnx is not YuNet"):
        open_detector(DetectorSettings(kind="yunet", weights=str(other)))


def test_a_folder_instead_of_weights_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        open_detector(DetectorSettings(kind="yunet", weights=str(tmp_path)))


def _field(number: int, content: bytes) -> bytes:
    """A protobuf field of bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


DOC_STRING = _field(6, b"the same network")
"""Appended to an ONNX file, it changes the bytes and not the network."""


def _number(field: int, value: int) -> bytes:
    """A protobuf field of a small whole number."""
    return bytes([field << 3, value])


def relu_network() -> bytes:
    """The smallest valid ONNX file: one ReLU over a picture of 64 x 64."""
    shape = b"".join(_field(1, _number(1, size)) for size in (1, 3, 64, 64))
    tensor = _field(2, _field(1, _number(1, 1) + _field(2, shape)))
    node = _field(1, b"input") + _field(2, b"output") + _field(4, b"Relu")
    ends = _field(11, _field(1, b"input") + tensor) + _field(12, _field(1, b"output") + tensor)
    return _number(1, 8) + _field(7, _field(1, node) + _field(2, b"g") + ends) + _field(8, _number(2, 13))
