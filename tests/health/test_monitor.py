"""The statistics of a health report."""

from __future__ import annotations

import pytest

from edge_agent.health.monitor import CameraReport, CoarseRate, HealthMonitor
from edge_agent.system.hardware_status import HardwareStatus
from edge_agent.vision.camera_state import CameraState
from edge_agent.vision.search_plan import Search

HARDWARE = HardwareStatus()
FINE = CameraReport(CameraState.OK, "", 100, 3)


def test_rate_and_latency_cover_the_time_since_the_last_report() -> None:
    monitor = HealthMonitor(0.0)
    for _ in range(20):
        monitor.count([("detect", 10.0), ("classify", 2.0)], total_ms=15.0, faces=3)
    first = monitor.report(FINE, 2.0, HARDWARE)
    second = monitor.report(FINE, 4.0, HARDWARE)
    assert first.fps == pytest.approx(10.0)
    assert first.latency_ms["detect"].p95 == pytest.approx(10.0)
    assert second.fps == 0.0
    assert second.latency_ms == {}


def test_what_the_platform_does_not_report_stays_empty() -> None:
    report = HealthMonitor(0.0).report(FINE, 1.0, HARDWARE)
    assert (report.temperature_c, report.throttled, report.fps_limit, report.problems) == (None, None, None, ())


def test_heat_and_what_is_done_about_it_are_reported() -> None:
    report = HealthMonitor(0.0).report(FINE, 1.0, HardwareStatus(81.2, throttled=True), fps_limit=5.0)
    assert (report.temperature_c, report.throttled, report.fps_limit) == (81.2, True, 5.0)
    assert report.problems == ("throttled", "frame_rate_reduced")


def test_troubles_from_elsewhere_are_problems() -> None:
    assert HealthMonitor(0.0).report(FINE, 1.0, HARDWARE, other_problems=["led_failed"]).problems == ("led_failed",)


def test_a_camera_in_trouble_is_a_problem_and_a_muted_one_is_not() -> None:
    monitor = HealthMonitor(0.0)
    stalled = monitor.report(CameraReport(CameraState.STALLED, "no frame for 10 s", 5, 0), 1.0, HARDWARE)
    muted = monitor.report(CameraReport(CameraState.MUTED, "", 5, 0), 2.0, HARDWARE)
    assert stalled.problems == ("camera_stalled",)
    assert (muted.problems, muted.muted) == ((), True)


def test_faces_that_could_not_be_read_are_counted_by_reason_for_each_period() -> None:
    monitor = HealthMonitor(0.0)
    for reasons in (("dim", "covered"), (), ("dim",)):
        monitor.count_unread(reasons)
    camera = CameraReport(CameraState.OK, "", 3, 0)
    assert monitor.report(camera, 1.0, HARDWARE).unread == {"covered": 1, "dim": 2}
    assert monitor.report(camera, 2.0, HARDWARE).unread == {}


def test_where_small_groups_are_protected_it_is_not_reported_who_could_not_be_read() -> None:
    monitor = HealthMonitor(0.0, min_group=5)
    monitor.count([], total_ms=10.0, faces=2)
    monitor.count_unread(("dim", "dim"))
    camera = CameraReport(CameraState.OK, "", 3, 0)
    assert monitor.report(camera, 1.0, HARDWARE).unread is None
    assert monitor.report(camera, 2.0, HARDWARE).unread == {}


def test_where_small_groups_are_protected_their_their_speed_is_not_reported() -> None:
    monitor = HealthMonitor(0.0, min_group=5)
    for faces in (5, 6, 4, 30):
        monitor.count([("classify", 0.7 * faces)], total_ms=10.0 + faces, faces=faces)
    small = monitor.report(CameraReport(CameraState.OK, "", 1234, 199), 3.0, HARDWARE)
    assert (small.fps, small.latency_ms, small.frames_read, small.frames_dropped) == (1.0, {}, 1200, 100)
    monitor.count([("classify", 3.5)], total_ms=15.0, faces=5)
    large = monitor.report(CameraReport(CameraState.OK, "", 1234, 199), 6.0, HARDWARE)
    assert (large.fps, large.latency_ms["total"].p50, large.frames_read) == (0.33, 15.0, 1200)


def test_where_single_members_are_protected_no_figure_tells_twenty_four_faces_from_twenty_five() -> None:
    def reports(faces: int) -> list[str]:
        monitor, reported = HealthMonitor(0.0, min_group=5, coarse=True), []
        read = dropped = 0
        for period in range(1, 90):
            took_ms = 60 + 4.0 * faces
            for _ in range(round(30_000 / took_ms)):
                monitor.count([("classify", 0.7 * faces)], took_ms, faces=faces)
            monitor.count_unread(["dim"] * faces)
            monitor.count_search(Search("whole", "due", ()), 3.0 * faces)
            read, dropped = read + 300, dropped + round(300 - 30_000 / took_ms)
            reported.append(
                str(monitor.report(CameraReport(CameraState.OK, "", read, dropped), 30.0 * period, HARDWARE))
            )
        return reported

    assert reports(24) == reports(25)


def test_a_coarse_rate_changes_only_where_another_step_is_clearly_nearer() -> None:
    rate = CoarseRate()
    assert [rate.nearest(hertz) for hertz in (0.0, 9.8, 7.2, 6.8, 4.9, 7.2, 10.4, 0.0, 0.1)] == [
        0.0,
        10.0,
        10.0,
        10.0,
        5.0,
        5.0,
        10.0,
        0.0,
        0.5,
    ]


def test_a_coarse_count_of_dropped_frames_follows_from_the_coarse_rate() -> None:
    monitor = HealthMonitor(0.0, min_group=5, coarse=True)
    for _ in range(150):
        monitor.count([], total_ms=10.0, faces=20)
    report = monitor.report(CameraReport(CameraState.OK, "", 300, 150), 30.0, HARDWARE)
    assert (report.fps, report.frames_read, report.frames_dropped) == (5.0, 300, 100)


def test_where_single_members_are_protected_the_limit_of_the_rate_is_coarse() -> None:
    def limits(*given: float) -> list[float | None]:
        monitor = HealthMonitor(0.0, min_group=5, coarse=True)
        camera = CameraReport(CameraState.OK, "", 0, 0)
        return [monitor.report(camera, float(at), HardwareStatus(), limit).fps_limit for at, limit in enumerate(given)]

    assert limits(4.0, 5.0, 4.0, 6.0) == [5.0] * 4
    assert (
        HealthMonitor(0.0).report(CameraReport(CameraState.OK, "", 0, 0), 1.0, HardwareStatus(), 4.0).fps_limit == 4.0
    )
