"""Zones to ignore and to watch: which faces count, and where motion is looked at."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.config import CameraSettings, DetectorSettings, TrackerSettings, ZoneSettings
from edge_agent.config_file import load_settings
from edge_agent.errors import ConfigError
from edge_agent.simulate import SimulatedClassroom
from edge_agent.types import Box
from edge_agent.vision.face_finder import FaceFinder
from edge_agent.vision.haar import HaarDetector
from edge_agent.vision.motion import MotionWatch
from edge_agent.vision.sources import open_source
from edge_agent.vision.tracker import Tracker, random_ids
from edge_agent.vision.turning import turned
from edge_agent.vision.zones import NO_ZONES, Zones

LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
SIZE = (200, 100)


def box_at(x: float, y: float) -> Box:
    return Box(x - 5, y - 5, 10)


def test_without_zones_every_face_counts_even_beyond_the_edge() -> None:
    assert not NO_ZONES
    assert NO_ZONES.holds(box_at(-3, 101), SIZE)


def test_a_face_counts_by_its_middle() -> None:
    ignoring, watching = Zones(ignore=(LEFT_HALF,)), Zones(watch=(LEFT_HALF,))
    assert (ignoring.holds(box_at(97, 50), SIZE), ignoring.holds(box_at(103, 50), SIZE)) == (False, True)
    assert (watching.holds(box_at(97, 50), SIZE), watching.holds(box_at(103, 50), SIZE)) == (True, False)


def test_what_is_ignored_is_ignored_within_a_watched_zone_too() -> None:
    corner = ((0.0, 0.0), (0.2, 0.0), (0.2, 0.2), (0.0, 0.2))
    zones = Zones(ignore=(corner,), watch=(LEFT_HALF,))
    assert [zones.count(*point) for point in ((0.1, 0.1), (0.1, 0.5), (0.9, 0.5))] == [False, True, False]


def test_a_zone_may_be_concave() -> None:
    horseshoe = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.7, 1.0), (0.7, 0.3), (0.3, 0.3), (0.3, 1.0), (0.0, 1.0))
    zones = Zones(watch=(horseshoe,))
    assert [zones.count(*point) for point in ((0.5, 0.1), (0.5, 0.7), (0.1, 0.7), (0.9, 0.7))] == [
        True,
        False,
        True,
        True,
    ]


def test_the_settings_file_names_zones(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(
        "[detector]\nmin_face_px = 30\n"
        '[[detector.ignore]]\nname = "poster"\npoints = [[0, 0], [0.3, 0], [0.3, 0.2]]\n'
        "[[detector.ignore]]\npoints = [[0.9, 0], [1, 0], [1, 1], [0.9, 1]]\n"
        "[[detector.watch]]\npoints = [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]\n"
    )
    zones = Zones.of(load_settings(path).detector)
    assert zones.ignore[0] == ((0.0, 0.0), (0.3, 0.0), (0.3, 0.2))
    assert (len(zones.ignore), len(zones.watch)) == (2, 1)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("points = [[0, 0], [1, 1]]", "$.detector.ignore[0].points: got a list, expected at least 3 of them"),
        ("points = [[0, 0], [1, 1], [1.2, 0]]", "$.detector.ignore[0].points[2][0]: got 1.2, expected 0 to 1"),
        ("points = [[0, 0], [1, 1], [-0.1, 0]]", "$.detector.ignore[0].points[2][0]: got -0.1, expected 0 to 1"),
        ("points = [[0, 0], [1, 1], [1]]", "$.detector.ignore[0].points[2]: got a list, expected 2 of them"),
        ("points = [[0, 0], [1, 1], [1, 0, 0]]", "$.detector.ignore[0].points[2]: got a list, expected 2 of them"),
        ('points = [[0, 0], [1, 1], ["a", 0]]', "$.detector.ignore[0].points[2][0]: got 'a', expected 0 to 1"),
        ("points = [[0, 0], [1, 1], [nan, 0]]", "$.detector.ignore[0].points"),
        ("points = [[0, 0], [0.5, 0.5], [1, 1]]", "corners that enclose nothing"),
        ("points = [[0, 0], [0.3, 0], [0, 0.2], [0.35, 0.2]]", "an outline that crosses itself"),
        ("points = [[0, 0], [1, 0], [1, 1], [0, 1]]", "zones that cover all that is watched"),
        ("points = [[0, 0], [640, 0], [640, 360]]", "[1, 1] the bottom right"),
        ("points = [0, 0, 0.3, 0, 0.3, 0.2]", "Write each corner as [x, y]"),
        ('name = "poster"', "$.detector.ignore[0]"),
        (
            "corners = []",
            "$.detector.ignore[0].corners: got a key this version does not know, expected one of points, name",
        ),
    ],
)
def test_a_mistaken_zone_is_named_with_what_was_expected(tmp_path: Path, table: str, message: str) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(f"[[detector.ignore]]\n{table}\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert message in str(caught.value)


def test_a_zone_in_single_brackets_is_told_how_to_write_it(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text("[detector.watch]\npoints = [[0, 0], [1, 0], [1, 1]]\n")
    with pytest.raises(ConfigError, match=r"Write \[\[detector.watch\]\] in a line"):
        load_settings(path)


def test_a_zone_to_ignore_that_covers_the_watched_one_leaves_nothing(tmp_path: Path) -> None:
    left = "points = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]"
    path = tmp_path / "agent.toml"
    path.write_text(f"[[detector.watch]]\n{left}\n[[detector.ignore]]\n{left}\n")
    with pytest.raises(ConfigError, match="zones that cover all that is watched"):
        load_settings(path)
    path.write_text(f"[[detector.watch]]\n{left.replace('0.5', '0.6')}\n[[detector.ignore]]\n{left}\n")
    assert Zones.of(load_settings(path).detector)


def test_a_zone_may_touch_itself_and_be_closed_by_its_first_corner(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text("[[detector.ignore]]\npoints = [[0, 0], [0.4, 0], [0.4, 0.4], [0.2, 0], [0, 0.4], [0, 0]]\n")
    assert Zones.of(load_settings(path).detector)


def test_zones_mean_the_frame_after_it_was_turned(tmp_path: Path) -> None:
    picture = SimulatedClassroom(6, 1280, 720, seed=1).render(2.0).copy()
    picture[:, 640:] = 128
    path = tmp_path / "upside_down.png"
    cv2.imwrite(str(path), turned(picture, 180))
    source = open_source(CameraSettings(source="image", path=str(path), rotate_deg=180))
    frame = source.read()
    source.close()
    assert frame is not None
    for zones, some in ((Zones(ignore=(LEFT_HALF,)), False), (Zones(watch=(LEFT_HALF,)), True)):
        finder = FaceFinder(HaarDetector(), zones=zones)
        assert bool(finder.find(frame, Tracker(TrackerSettings(), random_ids()), 0.0).detections) is some


def test_faces_in_an_ignored_zone_are_not_found_by_any_kind_of_search() -> None:
    scene = SimulatedClassroom(6, 1280, 720, seed=1)
    settings = DetectorSettings(ignore=(ZoneSettings(points=LEFT_HALF),))
    for every_frame in (True, False):
        finder = FaceFinder(HaarDetector(), every_frame=every_frame, zones=Zones.of(settings))
        tracker = Tracker(TrackerSettings(), random_ids())
        for step in range(8):
            now = step * 0.1
            found = finder.find(scene.render(2.0 + now), tracker, now)
            present = tracker.update(found.detections, now, found.search.covers).present
        assert present
        assert all(face.box.center[0] >= 640 for face in present)


def test_motion_in_an_ignored_zone_is_not_seen() -> None:
    wall = np.random.default_rng(1).integers(90, 110, (720, 1280, 3), np.uint8)
    moved = wall.copy()
    moved[200:400, 100:300] = 240
    for zones, seen in ((NO_ZONES, True), (Zones(ignore=(LEFT_HALF,)), False), (Zones(watch=(LEFT_HALF,)), True)):
        watch = MotionWatch(zones)
        watch.look(wall, [], 0.0)
        look = watch.look(moved, [], 0.1)
        assert bool(look.moved) is seen
        assert (look.moved_share > 0) is seen
