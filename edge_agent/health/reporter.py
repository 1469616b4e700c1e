"""When a health report is published: every so often, and at once when the camera was muted, opened again or ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from edge_agent.health.monitor import CameraReport, HealthMonitor
from edge_agent.protocol.messages import HealthReport
from edge_agent.system.hardware_status import HardwareStatus
from edge_agent.vision.camera import Camera
from edge_agent.vision.camera_state import CameraState

_FIRST_WITHIN_S = 2.0


class HealthReporter:
    """Publishes health reports. One thread only.

    Args:
        monitor: Collects what happens between two reports.
        camera: The camera.
        problems: Gives short words for what is wrong elsewhere.
        hardware: Gives the hardware's status.
        publish: Takes a report to be sent.
        every_s: Seconds between two reports. The first comes after two seconds at most.
        now: Monotonic seconds.
        delay_s: Gives how long a report waits beyond that. Reports are sent between two frames, and the more faces, the
            longer a frame takes. So at level ``summary`` their times must not follow those of frames.
    """

    def __init__(
        self,
        monitor: HealthMonitor,
        camera: Camera,
        *,
        problems: Callable[[], Sequence[str]],
        hardware: Callable[[], HardwareStatus],
        publish: Callable[[HealthReport], None],
        every_s: float,
        now: float,
        delay_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._monitor, self._camera = monitor, camera
        self._problems, self._hardware, self._publish = problems, hardware, publish
        self._every_s, self._delay_s = every_s, delay_s
        self._planned_at = now + min(_FIRST_WITHIN_S, every_s)
        self._next_at = self._planned_at + delay_s()
        self._reported: CameraState | None = None

    def report_if_due(self, now: float, fps_limit: float | None) -> None:
        """Publish a report if it is time for one.

        Args:
            now: Monotonic seconds.
            fps_limit: The rate that perception limits itself to; ``None`` where it does not.
        """
        state = self._camera.state if self._camera.state in (CameraState.MUTED, CameraState.ENDED) else None
        # Whoever mutes or opens the camera wants to see at once that it worked, and after the end nothing may follow.
        if now < self._next_at and state is self._reported:
            return
        self._reported = state
        # On a fixed grid: waits that begin with a report would add up how long frames take.
        self._planned_at += self._every_s * max(0, math.floor((now - self._planned_at) / self._every_s) + 1)
        self._next_at = self._planned_at + self._delay_s()
        camera = self._camera
        report = CameraReport(
            camera.state, camera.reason, camera.frames_read, camera.frames_dropped, camera.undecodable
        )
        self._publish(self._monitor.report(report, now, self._hardware(), fps_limit, self._problems()))
