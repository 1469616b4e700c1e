"""From which faces an expression can be read, by landmarks and crops that are drawn here."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_agent.model_format.metadata import FACE_SIZE
from edge_agent.types import Box, Detection, Landmarks, TrackedFace
from edge_agent.vision.readability import (
    MIN_GRAY_RANGE,
    LandmarkMemory,
    crop_trouble,
    is_covered,
    pose_trouble,
    scaled,
    trouble,
    within,
)

FRONTAL: Landmarks = ((0.32, 0.38), (0.68, 0.38), (0.5, 0.58), (0.36, 0.74), (0.64, 0.74))


def turned(landmarks: Landmarks, degrees: float) -> Landmarks:
    """Rolled in the plane of the picture."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    first, second, third, fourth, fifth = ((x * cosine - y * sine, x * sine + y * cosine) for x, y in landmarks)
    return first, second, third, fourth, fifth


def with_nose(x: float, y: float) -> Landmarks:
    return (*FRONTAL[:2], (x, y), *FRONTAL[3:])


def face(*, mask: bool = False, low: int = 60, high: int = 200) -> NDArray[np.uint8]:
    """A drawn crop whose landmarks are ``FRONTAL``, with a skin's texture."""
    rng = np.random.default_rng(1)
    crop = np.full((FACE_SIZE, FACE_SIZE), high, np.uint8)
    for x in (15, 33):
        cv2.ellipse(crop, (x, 18), (5, 3), 0, 0, 360, low, -1)
    cv2.ellipse(crop, (24, 36), (8, 3), 0, 0, 360, low, -1)
    textured = np.clip(crop + rng.normal(0, (high - low) / 20, crop.shape), 0, 255).astype(np.uint8)
    if mask:
        textured[25:] = high
    return textured


@pytest.mark.parametrize("roll", [0, 30, -30, 90, 180])
@pytest.mark.parametrize("size", [0.1, 1, 300])
def test_a_frontal_face_can_be_read_at_any_roll_and_size(roll: float, size: float) -> None:
    assert pose_trouble(scaled(turned(FRONTAL, roll), size)) is None


@pytest.mark.parametrize("roll", [0, 30, -30])
@pytest.mark.parametrize(
    ("landmarks", "reason"),
    [
        (with_nose(0.75, 0.58), "profile"),
        (with_nose(0.25, 0.58), "profile"),
        (((0.45, 0.38), (0.6, 0.38), (0.5, 0.58), (0.46, 0.74), (0.6, 0.74)), "profile"),
        (((0.5, 0.38), (0.5, 0.38), (0.5, 0.58), (0.5, 0.74), (0.5, 0.74)), "profile"),
        (((0.5, 0.38), (0.5, 0.38), (0.5, 0.38), (0.5, 0.38), (0.5, 0.38)), "profile"),
        (with_nose(0.5, 0.64), "looking_down"),
    ],
)
def test_a_face_turned_away_cannot(landmarks: Landmarks, reason: str, roll: float) -> None:
    assert pose_trouble(turned(landmarks, roll)) == reason


@pytest.mark.parametrize(("light", "reason"), [(1.0, None), (0.3, None), (0.1, "dim"), (0.0, "dim")])
def test_a_dark_face_before_a_bright_window_is_dim_though_the_crop_has_both(light: float, reason: str | None) -> None:
    head = np.zeros((FACE_SIZE, FACE_SIZE), np.uint8)
    cv2.ellipse(head, (24, 26), (19, 26), 0, 0, 360, 1, -1)
    crop = np.where(head, face() * light, 250).astype(np.uint8)
    assert crop_trouble(crop) == reason
    assert crop_trouble(np.stack([crop] * 3, axis=-1)) == reason


@pytest.mark.parametrize("shape", [(FACE_SIZE, FACE_SIZE), (FACE_SIZE, FACE_SIZE, 3)])
@pytest.mark.parametrize("level", [0, 5, 128, 255])
def test_a_crop_of_one_level_is_too_dim(shape: tuple[int, ...], level: int) -> None:
    assert crop_trouble(np.full(shape, level, np.uint8)) == "dim"


def test_a_few_bright_pixels_make_a_dark_crop_no_brighter() -> None:
    crop = np.full((FACE_SIZE, FACE_SIZE), 3, np.uint8)
    crop[:6, :6] = 255
    assert crop_trouble(crop) == "dim"


def test_a_face_is_read_from_a_certain_range_of_gray_levels_on() -> None:
    assert trouble(face(low=100, high=int(100 + 2 * MIN_GRAY_RANGE)), FRONTAL) is None
    assert trouble(face(low=100, high=int(100 + MIN_GRAY_RANGE / 2)), FRONTAL) == "dim"


@pytest.mark.parametrize("colour", [False, True])
def test_a_mask_in_front_of_the_mouth_is_seen(colour: bool) -> None:
    for mask in (False, True):
        crop = face(mask=mask)
        shown = np.repeat(crop[..., None], 3, axis=2) if colour else crop
        assert is_covered(shown, scaled(FRONTAL, FACE_SIZE)) is mask
        assert trouble(shown, FRONTAL) == ("covered" if mask else None)


def test_without_landmarks_only_the_gray_levels_count() -> None:
    assert trouble(face(mask=True), None) is None


def seen(track: str, box: Box, at: float) -> TrackedFace:
    return TrackedFace(track, box, 0.0, at)


def test_a_followed_face_keeps_the_landmarks_that_were_last_found() -> None:
    memory = LandmarkMemory()
    found = Detection(Box(100, 100, 50), 0.9, scaled(FRONTAL, 50, -2.0, -2.0))
    box = Box(101, 100, 50)
    memory.update([seen("a", box, 1.0)], [found], 1.0)
    kept = memory.of(seen("a", box, 1.0))
    assert found.landmarks is not None
    assert kept == within(found.box, found.landmarks)
    memory.update([seen("a", Box(300, 100, 80), 2.0)], [], 2.0)
    assert memory.of(seen("a", box, 2.0)) == kept
    memory.update([seen("a", box, 3.0)], [Detection(box, 0.9, scaled(with_nose(0.7, 0.58), 50, -2.02, -2.0))], 3.0)
    steadied = memory.of(seen("a", box, 3.0))
    assert steadied is not None
    assert steadied[2][0] == pytest.approx((0.5 + 0.7) / 2, abs=0.02)


def test_each_face_gets_the_landmarks_of_its_own_detection_and_a_hidden_one_none() -> None:
    memory = LandmarkMemory()
    boxes = [Box(100, 100, 50), Box(160, 100, 50)]
    detections = [Detection(box, 0.9, scaled(FRONTAL, 50 + index)) for index, box in enumerate(boxes)]
    faces = [
        seen("b", boxes[1], 1.0),
        seen("a", boxes[0], 1.0),
        seen("c", boxes[0], 0.5),
        seen("d", Box(0, 0, 50), 1.0),
    ]
    memory.update(faces, detections, 1.0)
    for track, detection in (("a", detections[0]), ("b", detections[1])):
        assert detection.landmarks is not None
        assert memory.of(seen(track, boxes[0], 1.0)) == within(detection.box, detection.landmarks)
    assert memory.of(faces[2]) is None
    assert memory.of(faces[3]) is None
    memory.update([], [], 2.0)
    assert memory.of(faces[0]) is None


def test_detectors_without_landmarks_leave_none() -> None:
    memory = LandmarkMemory()
    memory.update([seen("a", Box(0, 0, 50), 1.0)], [Detection(Box(0, 0, 50), 1.0)], 1.0)
    assert memory.of(seen("a", Box(0, 0, 50), 1.0)) is None
