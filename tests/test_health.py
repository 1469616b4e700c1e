"""The figures of a health report."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.health import CameraFigures, HealthMonitor, read_temperature_c, read_throttled
from edge_agent.vision.camera_state import CameraState

FINE = CameraFigures(CameraState.OK, "", 100, 3)


def test_rate_and_latency_cover_the_time_since_the_last_report(tmp_path: Path) -> None:
    monitor = HealthMonitor(0.0)
    for _ in range(20):
        monitor.count([("detect", 10.0), ("classify", 2.0)], total_ms=15.0, faces=3)
    first = monitor.report(FINE, 2.0, platform=tmp_path)
    second = monitor.report(FINE, 4.0, platform=tmp_path)
    assert first.fps == pytest.approx(10.0)
    assert first.latency_ms["detect"].p95 == pytest.approx(10.0)
    assert second.fps == 0.0
    assert second.latency_ms == {}


def test_what_the_platform_does_not_tell_stays_empty(tmp_path: Path) -> None:
    report = HealthMonitor(0.0).report(FINE, 1.0, platform=tmp_path)
    assert (report.temperature_c, report.throttled, report.problems) == (None, None, ())


def test_heat_and_throttling_are_read_where_a_raspberry_pi_offers_them(tmp_path: Path) -> None:
    thermal = tmp_path / "class/thermal/thermal_zone0/temp"
    flags = tmp_path / "devices/platform/soc/soc:firmware/get_throttled"
    for path, text in ((thermal, "61234\n"), (flags, "50005\n")):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    assert read_temperature_c(tmp_path) == 61.2
    assert read_throttled(tmp_path) is True
    flags.write_text("50000\n")  # it happened since the start, and is over
    assert read_throttled(tmp_path) is False


def test_a_camera_in_trouble_is_a_problem_and_a_muted_one_is_not(tmp_path: Path) -> None:
    monitor = HealthMonitor(0.0)
    stalled = monitor.report(CameraFigures(CameraState.STALLED, "no frame for 10 s", 5, 0), 1.0, platform=tmp_path)
    muted = monitor.report(CameraFigures(CameraState.MUTED, "", 5, 0), 2.0, platform=tmp_path)
    assert stalled.problems == ("camera_stalled",)
    assert (muted.problems, muted.muted) == ((), True)


def test_where_small_groups_are_protected_their_speed_is_not_told(tmp_path: Path) -> None:
    monitor = HealthMonitor(0.0, min_group=5)
    for faces in (5, 6, 4, 30):
        monitor.count([("classify", 0.7 * faces)], total_ms=10.0 + faces, faces=faces)
    small = monitor.report(CameraFigures(CameraState.OK, "", 1234, 199), 3.0, platform=tmp_path)
    assert (small.fps, small.latency_ms, small.frames_read, small.frames_dropped) == (1.0, {}, 1200, 100)
    monitor.count([("classify", 3.5)], total_ms=15.0, faces=5)
    large = monitor.report(CameraFigures(CameraState.OK, "", 1234, 199), 6.0, platform=tmp_path)
    assert (large.fps, large.latency_ms["total"].p50, large.frames_read) == (0.33, 15.0, 1200)
