"""The simulated classroom as a camera."""

from __future__ import annotations

import time

import numpy as np

from edge_agent.config import CameraSettings
from edge_agent.vision.sources import open_source
from edge_agent.vision.sources.simulated import SimulatedSource


def test_the_simulated_classroom_delivers_at_the_rate_and_size_set() -> None:
    source = open_source(CameraSettings(source="simulated", faces=2, width_px=320, height_px=240, fps=30))
    assert isinstance(source, SimulatedSource)
    began = time.monotonic()
    shapes = {image.shape for image in (source.read() for _ in range(7)) if image is not None}
    assert time.monotonic() - began > 0.15
    assert shapes == {(240, 320, 3)}


def test_a_simulated_frame_shows_the_scene_at_the_moment_it_is_delivered() -> None:
    now = 50.0
    source = SimulatedSource(CameraSettings(source="simulated", faces=2, width_px=320, height_px=240), lambda: now)
    now = 53.5
    image = source.read()
    assert image is not None
    assert np.array_equal(image, source.scene.render(source.scene_time(53.5)))
    assert source.scene_time(53.5) == 3.5
