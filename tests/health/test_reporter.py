"""When health reports are published."""

from __future__ import annotations

import pytest

from edge_agent.config import CameraSettings
from edge_agent.health.monitor import HealthMonitor
from edge_agent.health.reporter import HealthReporter
from edge_agent.protocol.messages import HealthReport
from edge_agent.system.hardware_status import HardwareStatus
from edge_agent.vision.camera import Camera
from edge_agent.vision.camera_state import CameraState


def reporting(every_s: float, delay_s: float = 0.0) -> tuple[HealthReporter, Camera, list[HealthReport]]:
    """A reporter at the time 0, its camera, which is never started, and what it publishes."""
    published: list[HealthReport] = []
    camera = Camera(CameraSettings(source="simulated"))
    reporter = HealthReporter(
        HealthMonitor(0.0),
        camera,
        problems=lambda: ["led_failed"],
        hardware=lambda: HardwareStatus(61.5),
        publish=published.append,
        every_s=every_s,
        now=0.0,
        delay_s=lambda: delay_s,
    )
    return reporter, camera, published


def test_the_first_report_comes_after_two_seconds_and_the_others_as_set() -> None:
    reporter, _, published = reporting(30.0)
    at = []
    for now in range(100):
        before = len(published)
        reporter.report_if_due(float(now), None)
        at += [now] * (len(published) - before)
    assert at == [2, 32, 62, 92]


def test_a_muted_camera_is_reported_at_once_and_so_is_an_opened_one() -> None:
    reporter, camera, published = reporting(30.0)
    for now, state in (
        (0.1, CameraState.MUTED),
        (0.2, CameraState.MUTED),
        (0.3, CameraState.OK),
        (0.4, CameraState.OK),
    ):
        camera.state = state
        reporter.report_if_due(now, None)
    assert [report.muted for report in published] == [True, False]


def test_a_report_gathers_what_the_parts_say() -> None:
    reporter, _, published = reporting(1.0)
    reporter.report_if_due(1.0, 5.0)
    (report,) = published
    assert (report.temperature_c, report.fps_limit) == (61.5, 5.0)
    assert report.problems == ("frame_rate_reduced", "led_failed")


@pytest.mark.parametrize("frame_s", [0.16, 0.164, 0.9])
def test_reports_keep_to_a_grid_so_that_they_do_not_add_up_how_long_frames_take(frame_s: float) -> None:
    reporter, _, published = reporting(30.0, delay_s=0.5)
    for frame in range(round(2700 / frame_s)):
        before = len(published)
        reporter.report_if_due(frame * frame_s, None)
        if len(published) > before:
            assert 0.5 <= frame * frame_s - (2 + 30 * before) <= 0.5 + frame_s
    assert len(published) == 90


def test_a_report_out_of_turn_moves_no_other_one() -> None:
    reporter, camera, published = reporting(30.0)
    at = []
    for now in range(100):
        camera.state = CameraState.MUTED if now >= 40 else CameraState.OK
        before = len(published)
        reporter.report_if_due(float(now), None)
        at += [now] * (len(published) - before)
    assert at == [2, 32, 40, 62, 92]
