"""Turning and mirroring frames, and noticing a camera that hangs upside down or on its side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.config import CameraSettings
from edge_agent.simulate import SimulatedClassroom
from edge_agent.types import Box, Detection, Image
from edge_agent.vision.haar import HaarDetector
from edge_agent.vision.orientation import (
    ROTATIONS,
    OrientationWatch,
    Rotation,
    Searches,
    after_search,
    clearest,
    rotation_note,
    seen_turned,
)
from edge_agent.vision.region import Region
from edge_agent.vision.sources import open_source
from edge_agent.vision.turning import turned

CLASS = SimulatedClassroom(6, 1280, 720, seed=1).render(2.0)


def faces(count: int, score: float = 0.9) -> list[Detection]:
    return [Detection(Box(50.0 * number, 0, 40), score) for number in range(count)]


def found(**counts: int) -> dict[Rotation, list[Detection]]:
    return {rotation: faces(counts.get(f"at{rotation}", 0)) for rotation in ROTATIONS}


# -- turning -----------------------------------------------------------------------------------------------------------


def test_a_picture_is_turned_clockwise_and_mirrored_afterwards() -> None:
    picture = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    assert turned(picture, 0).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert turned(picture, 90).tolist() == [[4, 1], [5, 2], [6, 3]]
    assert turned(picture, 180).tolist() == [[6, 5, 4], [3, 2, 1]]
    assert turned(picture, 270).tolist() == [[3, 6], [2, 5], [1, 4]]
    assert turned(picture, 0, mirror=True).tolist() == [[3, 2, 1], [6, 5, 4]]
    assert turned(picture, 90, mirror=True).tolist() == [[1, 4], [2, 5], [3, 6]]


@pytest.mark.parametrize("rotate_deg", ROTATIONS)
@pytest.mark.parametrize("mirror", [False, True])
def test_frames_of_a_source_come_as_the_settings_turn_them(tmp_path: Path, rotate_deg: Rotation, mirror: bool) -> None:
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), CLASS)
    source = open_source(CameraSettings(source="image", path=str(path), rotate_deg=rotate_deg, mirror=mirror))
    frame = source.read()
    assert frame is not None
    assert np.array_equal(frame, turned(CLASS, rotate_deg, mirror=mirror))
    assert source.lossless
    source.close()
    assert source.read() is None


def test_a_simulated_camera_can_be_turned_too() -> None:
    source = open_source(CameraSettings(source="simulated", faces=2, rotate_deg=90))
    frame = source.read()
    source.close()
    assert frame is not None
    assert frame.shape == (1280, 720, 3)


# -- which way up ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hangs", ROTATIONS)
def test_the_rotation_in_which_faces_are_upright_is_found(hangs: Rotation) -> None:
    picture, detector = turned(CLASS, hangs), HaarDetector()
    assert clearest({rotation: seen_turned(detector, picture, rotation) for rotation in ROTATIONS}) == -hangs % 360


@pytest.mark.parametrize(
    ("counts", "rotation"),
    [
        ({}, None),
        ({"at0": 5}, 0),
        ({"at0": 1, "at180": 8}, 180),
        ({"at90": 1, "at270": 9}, 270),
        ({"at0": 3, "at180": 5}, 180),
        ({"at0": 4, "at180": 4}, 0),
        ({"at0": 9, "at180": 10}, 0),
        ({"at0": 1, "at180": 2}, 180),
    ],
    ids=str,
)
def test_another_rotation_has_to_show_clearly_more(counts: dict[str, int], rotation: Rotation | None) -> None:
    assert clearest(found(**counts)) == rotation


@pytest.mark.parametrize(("score", "rotation"), [(0.72, None), (0.9, 180), (1.0, None)])
def test_a_single_face_has_to_be_a_sure_one(score: float, rotation: Rotation | None) -> None:
    assert clearest({0: [], 90: [], 180: faces(1, score), 270: []}) == rotation


@pytest.mark.parametrize(
    ("upright", "hanging", "rotation"),
    [((0.85,), (0.9,), 0), ((0.8,), (0.9,), 180), ((0.72,) * 5, (0.88,) * 5, 180), ((1.0,) * 5, (1.0,) * 5, 0)],
)
def test_where_as_many_faces_are_found_the_surer_ones_are_upright(
    upright: Sequence[float], hanging: Sequence[float], rotation: Rotation
) -> None:
    at_0, at_180 = ([Detection(Box(0, 0, 40), score) for score in scores] for scores in (upright, hanging))
    assert clearest({0: at_0, 90: [], 180: at_180, 270: []}) == rotation


def test_the_advice_adds_to_the_present_setting() -> None:
    assert "rotate_deg = 90 " in rotation_note(270, 180)
    assert "upside down" in rotation_note(180, 0)
    assert (rotation_note(0, 90), rotation_note(None, 0)) == ("", "")


def test_searches_are_rarer_where_nobody_is_and_rarest_where_faces_are_upright() -> None:
    searches, now, pauses = Searches(next_at=5.0), 5.0, []
    for winner in (None, None, None, None, None, 0, 180, 180, 180):
        searches = after_search(searches, winner, now)
        assert searches.next_at is not None
        pauses.append(searches.next_at - now)
        now = searches.next_at
    assert pauses == [20, 40, 80, 160, 160, 600, 3, 3, 20]
    assert searches.turned_by == 180


class Turned:
    """Finds faces only where the picture is white at the bottom."""

    name = "haar"

    def __init__(self) -> None:
        self.searches = 0

    def detect(self, image: Image) -> list[Detection]:
        self.searches += 1
        return faces(4) if image[-1].mean() > 200 else []

    def detect_in(self, _image: Image, _regions: Sequence[Region]) -> tuple[list[Detection], tuple[Region, ...]]:
        return [], ()

    def region_area(self, _image: Image) -> float:
        return 0.0


def test_a_camera_that_hangs_upside_down_is_reported_once_and_costs_one_search_a_frame_at_most() -> None:
    upside_down = np.zeros((72, 128, 3), np.uint8)
    upside_down[:10] = 255
    said: list[str] = []
    detector = Turned()
    watch = OrientationWatch(detector, 0, said.append)
    for step in range(3000):
        before = detector.searches
        watch.watch(upside_down, step * 0.1)
        assert detector.searches - before <= 1
    assert (watch.turned_by, len(said)) == (180, 1)
    assert "rotate_deg = 180" in said[0]
    assert "no expression is given" in said[0]
    assert detector.searches <= 4 * (300 / 20 + 3)


def test_a_camera_that_was_turned_by_hand_is_believed_again_within_half_a_minute() -> None:
    upside_down, upright = np.zeros((72, 128, 3), np.uint8), np.zeros((72, 128, 3), np.uint8)
    upside_down[:10] = upright[-10:] = 255
    said: list[str] = []
    watch = OrientationWatch(Turned(), 0, said.append)
    for step in range(400):
        watch.watch(upside_down, step * 0.1)
    assert watch.turned_by == 180
    for step in range(400, 700):
        watch.watch(upright, step * 0.1)
    assert watch.turned_by == 0
    assert said[-1] == "Faces are upright now"


def test_an_upright_camera_is_reported_never() -> None:
    upright = np.zeros((72, 128, 3), np.uint8)
    upright[-10:] = 255
    said: list[str] = []
    watch = OrientationWatch(Turned(), 0, said.append)
    for step in range(3000):
        watch.watch(upright, step * 0.1)
    assert (watch.turned_by, said) == (0, [])


def upright_at_the(edge: slice) -> Image:
    """A picture in which :class:`Turned` finds faces when this edge is at the bottom."""
    picture = np.zeros((72, 128, 3), np.uint8)
    picture[edge] = 255
    return picture


def test_with_the_first_faces_an_upright_picture_is_judged_within_four_frames() -> None:
    upright = upright_at_the(slice(-10, None))
    watch = OrientationWatch(Turned())
    for step in range(20):
        watch.watch(upright, step * 0.1, faces=0)
        assert not watch.judged
    for step in range(20, 24):
        assert not watch.judged
        watch.watch(upright, step * 0.1, faces=4)
    assert (watch.judged, watch.turned_by) == (True, 0)


def test_a_turned_picture_is_not_relied_on_for_a_moment() -> None:
    upside_down = upright_at_the(slice(None, 10))
    watch = OrientationWatch(Turned(), report=lambda _said: None)
    for step in range(200):
        watch.watch(upside_down, step * 0.1, faces=2)
        assert watch.judged is (watch.turned_by == 180)
    assert watch.judged


def test_faces_that_only_the_whole_picture_shows_are_not_waited_for() -> None:
    nobody, detector = np.zeros((72, 128, 3), np.uint8), Turned()
    watch = OrientationWatch(detector)
    for step in range(4):
        watch.watch(nobody, step * 0.1, faces=2)
    assert watch.judged
    for step in range(4, 3000):
        watch.watch(nobody, step * 0.1, faces=2)
    assert detector.searches <= 4 * (300 / 160 + 8)


def test_after_a_while_without_frames_the_picture_is_judged_anew() -> None:
    upright, upside_down = upright_at_the(slice(-10, None)), upright_at_the(slice(None, 10))
    watch = OrientationWatch(Turned(), report=lambda _said: None)
    for step in range(10):
        watch.watch(upright, step * 0.1, faces=4)
    assert watch.judged
    for step in range(100):
        watch.watch(upside_down, 7.0 + step * 0.1, faces=2)
        assert watch.judged is (watch.turned_by == 180)
    assert watch.turned_by == 180
