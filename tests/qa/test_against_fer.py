"""The comparison with ``fer``: all but ``fer`` itself, in whose place stands a package that finds three faces."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from edge_agent.config import CameraSettings, Settings
from edge_agent.errors import CheckFailed
from qa.against_fer import Measured, comparison, measure_fer

SMALL = replace(Settings(), camera=CameraSettings(source="simulated", faces=2, width_px=320, height_px=240, seed=3))
TENSORFLOW = """
class config:
    class threading:
        set_intra_op_parallelism_threads = set_inter_op_parallelism_threads = staticmethod(lambda threads: None)
"""
FER = """
class FER:
    def detect_emotions(self, image):
        assert image.shape == (240, 320, 3), image.shape
        print("a library talks")
        return [{"box": (0, 0, 9, 9)}] * 3
"""


def packages(folder: Path, fer: str) -> Path:
    """A folder with stand-ins for ``tensorflow`` and ``fer``."""
    (folder / "fer").mkdir()
    (folder / "fer" / "__init__.py").touch()
    (folder / "fer" / "fer.py").write_text(fer)
    (folder / "tensorflow.py").write_text(TENSORFLOW)
    return folder


def test_it_is_shown_the_drawn_frames_and_its_faces_are_counted(tmp_path: Path) -> None:
    measured = measure_fer(SMALL, 4, 0.5, packages(tmp_path, FER))
    assert measured.found == 3.0
    assert measured.frame_ms >= 0.0


def test_an_error_of_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="no network for it"):
        measure_fer(SMALL, 1, 0.5, packages(tmp_path, "raise SystemExit('no network for it')"))


def test_the_ratio_is_of_the_times_for_a_frame() -> None:
    lines = comparison(Measured(210.0, 10.9), Measured(10.0, 11.1), 12).splitlines()
    assert lines == [
        "fer:       210.0 ms a frame, 10.9 of 12 faces found",
        "pipeline:   10.0 ms a frame, 11.1 of 12 faces known",
        "ratio:      21.0",
    ]
