"""Aiming a camera: what is said of faces and of the picture as a whole, and how it is shown."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.commands.aim import aim_line, aim_view
from edge_agent.commands.doctor import examine
from edge_agent.config_file import load_settings
from edge_agent.simulate import SimulatedClassroom
from edge_agent.types import Box, Detection, Image
from edge_agent.vision.aiming import Aim, AimedFace, Aiming, Problem, advice, judge_face, sizes
from edge_agent.vision.orientation import rotation_note
from edge_agent.vision.turning import turned
from edge_agent.vision.zones import Zones
from tests.support.commands import edge_agent

CLASS = SimulatedClassroom(12, 1280, 720, seed=7).render(2.0)


def wall(level: int = 100, spread: int = 40) -> Image:
    rng = np.random.default_rng(1)
    return rng.integers(max(0, level - spread), min(255, level + spread) + 1, (720, 1280, 3)).astype(np.uint8)


def face(x: float, y: float, side: float, eyes: tuple[float, float, float] | None = None) -> Detection:
    """A face around a point; of its eyes the distance in sides and the height of the right and left one."""
    if eyes is None:
        return Detection(Box(x - side / 2, y - side / 2, side), 0.9)
    apart, down, up = eyes[0] * side / 2, eyes[1] * side, eyes[2] * side
    eyes_at = (x - apart, y + up), (x + apart, y + down)
    mouth_at = (x - apart, y + side / 4), (x + apart, y + side / 4)
    return Detection(Box(x - side / 2, y - side / 2, side), 0.9, (*eyes_at, (x, y), *mouth_at))


def aim_of(*faces: Detection, image: Image | None = None) -> Aim:
    return Aiming().judge(wall() if image is None else image, faces)


@pytest.mark.parametrize(
    ("image", "detection", "problems"),
    [
        (wall(), face(640, 360, 60), ()),
        (wall(), face(640, 360, 24), ("small",)),
        (wall(15, 15), face(640, 360, 60), ("dark",)),
        (wall(120, 3), face(640, 360, 60), ("dark",)),
        (wall(), face(640, 360, 60, (0.36, 0.0, 0.0)), ()),
        (wall(), face(640, 360, 60, (0.12, 0.0, 0.0)), ("steep",)),
        (wall(), face(640, 360, 60, (0.3, 0.1, -0.1)), ("steep",)),
        (wall(), face(10, 360, 60), ("cut",)),
        (wall(), face(-500, 360, 60), ("cut",)),
        (wall(15, 15), face(1270, 715, 20), ("small", "dark", "cut")),
    ],
    ids=["good", "small", "dark", "flat", "frontal", "profile", "tilted", "cut", "outside", "all"],
)
def test_what_makes_a_face_hard_to_read_is_named(
    image: Image, detection: Detection, problems: tuple[Problem, ...]
) -> None:
    assert judge_face(image, detection).problems == problems


def test_a_face_before_a_bright_window_is_dark_however_bright_its_surroundings() -> None:
    window = np.full((720, 1280, 3), 250, np.uint8)
    cv2.ellipse(window, (640, 360), (24, 32), 0, 0, 360, (12, 12, 12), -1)
    assert judge_face(window, face(640, 360, 60)).problems == ("dark",)


def test_a_tilted_head_tells_by_how_much() -> None:
    roll_deg = judge_face(wall(), face(640, 360, 60, (0.3, 0.1, -0.1))).roll_deg
    assert roll_deg == pytest.approx(33.7, abs=0.1)


@pytest.mark.parametrize(
    ("aim", "said"),
    [
        (aim_of(image=wall(3, 3)), "The picture is black"),
        (aim_of(), "Nobody was found"),
        (aim_of(face(640, 360, 24)), "The face is under 32 pixels"),
        (aim_of(face(400, 360, 20), face(800, 360, 60)), "1 of 2 faces is under 32 pixels"),
        (aim_of(face(640, 360, 80), image=wall(20, 10)), "The face is too dark"),
        (aim_of(*(face(x, 500, 60, (0.1, 0, 0)) for x in (300, 600, 900))), "3 of 3 faces are turned away"),
        (aim_of(face(20, 360, 80)), "cut by the edge"),
        (aim_of(*(face(x, 360, 40) for x in (500, 700))), "People take up only"),
        (aim_of(*(face(x, 600, 60) for x in (300, 600, 900))), "at the bottom of the picture"),
        (aim_of(*(face(x, 120, 60) for x in (100, 300))), "at the top left of the picture"),
    ],
)
def test_the_advice_names_the_remedy(aim: Aim, said: str) -> None:
    assert any(said in sentence for sentence in advice(aim)), advice(aim)


def test_a_well_aimed_camera_is_called_so() -> None:
    places = [(x, y) for x in (300, 640, 980) for y in (200, 520)]
    assert advice(aim_of(*(face(x, y, 90) for x, y in places))) == [
        "Good: everybody found is large, bright and straight enough"
    ]


def test_a_face_that_looks_down_is_steep_as_the_agent_reads_nothing_from_it() -> None:
    front = face(640, 360, 90, (0.35, 0, 0))
    assert front.landmarks is not None
    left_eye, right_eye, (x, _), left_mouth, right_mouth = front.landmarks
    down = replace(front, landmarks=(left_eye, right_eye, (x, left_mouth[1] - 2), left_mouth, right_mouth))
    assert judge_face(wall(), front).problems == ()
    assert judge_face(wall(), down).problems == ("steep",)


def test_of_a_turned_picture_nothing_else_is_said() -> None:
    aim = Aiming().judge(wall(), [face(640, 360, 20)], turned=True)
    assert advice(aim) == []
    assert "upside down" in aim_view(aim, [rotation_note(180, 0)])


def test_places_are_remembered_from_frame_to_frame_and_counted_once() -> None:
    aiming = Aiming()
    aiming.judge(wall(), [face(300, 300, 60)])
    aiming.judge(wall(), [face(320, 310, 60), face(900, 300, 60)])
    aim = aiming.judge(wall(), [])
    assert (aim.places, len(aim.faces)) == (2, 0)
    assert 0.05 < aim.covered_share < 0.1
    assert aiming.judge(wall()[:360], []).places == 0


@pytest.mark.parametrize(
    ("sides", "said"),
    [((), "no face found"), ((40.4,), "1 face of 40 pixels"), ((90, 30, 50), "3 faces of 30 to 90 pixels (median 50)")],
)
def test_faces_are_summed_up_by_number_and_size(sides: Sequence[float], said: str) -> None:
    assert sizes([AimedFace(Box(0, 0, side), 1.0, None, ()) for side in sides]) == said


# -- the view ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(720, 1280), (1280, 720), (480, 640), (100, 4000), (4000, 100), (1, 1)], ids=str)
def test_the_view_fits_a_small_terminal_whatever_the_picture(shape: tuple[int, int]) -> None:
    height, width = shape
    image = np.full((height, width, 3), 90, np.uint8)
    many = [face(x * width, y * height, 20, (0.1, 0, 0)) for x in (-0.1, 0.01, 0.5, 0.99, 1.2) for y in (0.1, 0.9)]
    view = aim_view(
        Aiming().judge(image, many),
        ["A long note. " * 20, "Another one. " * 20],
        Zones(watch=(((0, 0), (1, 0), (1, 1)),)),
    )
    lines = view.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


def test_faces_are_boxes_at_their_place_marked_by_what_is_wrong() -> None:
    aim = aim_of(face(320, 360, 200), face(960, 360, 24))
    rows = aim_view(aim).splitlines()[2:16]
    assert {row.strip("|").find("#") for row in rows} - {-1} == {8}
    assert sum(row.count("s") for row in rows) == 1
    assert next(row for row in rows if "s" in row).index("s") > 25


def test_what_is_not_watched_is_marked() -> None:
    left = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    row = aim_view(aim_of(), zones=Zones(ignore=(left,))).splitlines()[5]
    assert row.strip("|").startswith(":" * 20)
    assert row.strip("|").endswith(" " * 20)


def test_one_line_says_it_too() -> None:
    assert aim_line(aim_of(face(640, 360, 24))) == "1 face of 24 pixels; 1 small; 1 place, 0% of the picture"


# -- the command -------------------------------------------------------------------------------------------------------


def aim(*arguments: object) -> subprocess.CompletedProcess[str]:
    return edge_agent("aim", *arguments)


@pytest.fixture
def haar(tmp_path: Path) -> Path:
    """Settings under which Haar finds the faces of a photo, wherever YuNet's weights may be."""
    cv2.imwrite(str(tmp_path / "class.png"), CLASS)
    path = tmp_path / "agent.toml"
    path.write_text(f'[camera]\nsource = "image"\npath = "{tmp_path}/class.png"\n[detector]\nkind = "haar"\n')
    return path


def test_json_is_one_object_of_numbers_and_words(haar: Path) -> None:
    report = json.loads(aim("--config", haar, "--json").stdout)
    assert report["frame"] | {"level": 0} == {"width": 1280, "height": 720, "level": 0}
    assert len(report["faces"]) == 12
    assert set(report["faces"][0]["box"]) == {"left", "top", "side"}
    assert (report["places"], report["detector"], report["turned_by_deg"]) == (12, "haar", 0)
    assert report["advice"]


def test_piped_it_prints_lines_and_the_advice_at_the_end(haar: Path) -> None:
    done = aim("--config", haar, "--seconds", "0.5")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0].startswith("12 faces of ")
    assert lines[-1].startswith("- ")
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("hangs", [90, 180])
def test_a_camera_that_hangs_otherwise_is_told_how_to_set_it(haar: Path, hangs: int) -> None:
    cv2.imwrite(str(haar.parent / "class.png"), turned(CLASS, hangs))
    report = json.loads(aim("--config", haar, "--json").stdout)
    assert report["turned_by_deg"] == 360 - hangs
    assert f"Set rotate_deg = {360 - hangs} in [camera]" in report["notes"][0]
    assert report["advice"] == []


def test_any_source_will_do_in_place_of_the_settings_one(haar: Path) -> None:
    report = json.loads(aim("--config", haar, "--source", "simulated", "--json").stdout)
    assert len(report["faces"]) >= 8


def test_a_live_camera_needs_its_declaration() -> None:
    done = aim("--source", "v4l2", "--seconds", "1")
    assert done.returncode == 4
    assert "policy" in done.stderr


def test_a_camera_that_delivers_nothing_is_an_error_with_its_reason(tmp_path: Path) -> None:
    done = aim("--source", "video", "--path", tmp_path / "gone.avi", "--json")
    assert done.returncode == 1
    assert "gone.avi" in done.stderr


def test_on_a_terminal_the_view_is_drawn_over_itself(haar: Path) -> None:
    main, side = pty.openpty()
    command = [sys.executable, "-m", "edge_agent.cli", "aim", "--config", str(haar), "--seconds", "0.5"]
    child = subprocess.Popen(command, stdout=side, stderr=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm"})
    os.close(side)
    shown = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(main)
    assert child.wait(60) == 0
    assert shown.count(b"\x1b[H\x1b[2J") >= 1
    assert b"# good" in shown


def test_doctor_says_how_many_faces_there_are_and_how_large(haar: Path) -> None:
    with haar.open("a") as file:
        file.write('[mqtt]\nhost = "127.0.0.1"\nport = 9\n')
    for hangs, ok, said in ((0, True, "12 faces of "), (180, False, "Set rotate_deg = 180")):
        cv2.imwrite(str(haar.parent / "class.png"), turned(CLASS, hangs))
        # The command's own time is short, and this machine may be busy.
        findings = examine(load_settings(haar), preflight=False, within_s=300.0)
        (found,) = [finding for finding in findings if finding.check == "faces"]
        assert (found.ok, found.fatal) == (ok, ok)
        assert said in found.detail
