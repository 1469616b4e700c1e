"""The board's benchmark: that it measures and what it advises. How fast this machine is, no test asks."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from edge_agent.commands.bench import STAGES, BenchReport, measure, suiting_settings
from edge_agent.config import CameraSettings, DetectorSettings, Settings

REPORT = BenchReport(
    frames=100,
    faces=12,
    size=(1280, 720),
    fps=10.0,
    detector="yunet",
    every_frame=False,
    model="0123456789ab (edge)",
    stage_ms={"detect": 6.0, "track": 0.5, "classify": 3.0, "decide": 0.5},
    p95_ms=20.0,
    searched={"whole": 10, "regions": 20, "none": 70},
    found=11.5,
    memory_mb=110.0,
    note="",
)


def report(**changes: Any) -> BenchReport:
    return BenchReport(**{name: getattr(REPORT, name) for name in REPORT.__dataclass_fields__} | changes)


def times(factor: float) -> dict[str, float]:
    return {name: ms * factor for name, ms in REPORT.stage_ms.items()}


@pytest.mark.parametrize("every_frame", [False, True])
def test_every_frame_of_the_lesson_is_measured_by_stage(every_frame: bool) -> None:
    camera = CameraSettings(source="simulated", faces=3, width_px=640, height_px=480)
    detector = DetectorSettings(kind="haar", every_frame=every_frame)
    measured = measure(Settings(camera=camera, detector=detector), seconds=2.0)
    assert measured.frames == 20
    assert tuple(measured.stage_ms) == STAGES
    assert all(ms >= 0 for ms in measured.stage_ms.values())
    assert sum(measured.searched.values()) == 20
    assert (measured.searched.get("whole") == 20) is every_frame
    assert measured.found > 1


def test_the_report_for_people_has_shares_speed_memory_and_advice() -> None:
    text = REPORT.as_text()
    assert "detect         6.00     60%" in text
    assert "frames a second this board holds: 100.0" in text
    assert "memory: 110 MB" in text
    assert "These settings suit this board: it holds 10.0 times the 10 frames a second asked for." in text
    assert "memory: unknown" in report(memory_mb=None).as_text()


@pytest.mark.parametrize(
    ("slow", "said"),
    [
        (report(stage_ms=times(20)), ['"edge-tiny"', "fps = 3 in"]),
        (report(stage_ms=times(200)), ["smaller frames", "fps = 1 in"]),
        (report(stage_ms=times(20), every_frame=True), ["every_frame = false"]),
        (report(stage_ms=times(20), note="Faces are found by Haar"), ["edge-agent detector fetch"]),
    ],
)
def test_a_slow_board_is_told_what_to_change(slow: BenchReport, said: list[str]) -> None:
    sentence = suiting_settings(slow)
    assert sentence.startswith("This board is too slow for 10 frames a second")
    assert all(words in sentence for words in said)


def test_what_is_set_already_is_not_advised() -> None:
    sentence = suiting_settings(report(stage_ms=times(20), model="0123456789ab (edge-tiny)"))
    assert "edge-tiny" not in sentence
    assert "every_frame" not in sentence


def test_the_command_prints_one_object() -> None:
    command = [sys.executable, "-m", "edge_agent.cli", "bench", "--faces", "2", "--seconds", "1"]
    done = subprocess.run([*command, "--detector", "haar", "--json"], capture_output=True, text=True, check=True)
    printed = json.loads(done.stdout)
    assert done.stderr == ""
    assert (printed["frames"], printed["faces"], printed["detector"]) == (10, 2, "haar")
    assert sum(stage["share"] for stage in printed["stages"].values()) == pytest.approx(1.0, abs=0.01)
    assert printed["fps_held"] > 0
    assert printed["advice"]
    assert msgspec.json.encode(printed)
