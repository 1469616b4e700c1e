"""How the agent is doing: speed and latency of the pipeline, the state of camera and hardware."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.protocol.messages import CameraHealth, HealthReport, Percentiles, SearchHealth
from edge_agent.system.hardware_status import HardwareStatus
from edge_agent.vision.camera_state import CameraState
from edge_agent.vision.search_plan import Search

_COARSE_FRAMES = 100
"""Frames are counted in steps of this where their exact number could reveal a small group."""

_RATE_STEPS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
_CLEARLY = 1.4

_HEALTHY_STATES = frozenset({CameraState.OK, CameraState.STARTING, CameraState.MUTED})


@dataclass(frozen=True, slots=True)
class CameraReport:
    """The camera's side of a report: its state with the reason, and its counters since the start."""

    state: CameraState
    reason: str
    frames_read: int
    frames_dropped: int
    undecodable: int = 0


class CoarseRate:
    """A rate as the nearest of a few steps, which changes only when it is clearly nearer to another one."""

    def __init__(self) -> None:
        self._step = 0.0

    def nearest(self, rate: float) -> float:
        """The step for the rate of a period, in hertz."""
        if rate <= 0.0:
            self._step = 0.0
        elif self._step == 0.0 or _steps_apart(rate, self._step) > _CLEARLY * _half_gap(rate, self._step):
            self._step = min(_RATE_STEPS, key=lambda step: _steps_apart(rate, step))
        return self._step


def _steps_apart(rate: float, other: float) -> float:
    return abs(math.log(rate / other))


def _half_gap(rate: float, step: float) -> float:
    """Half of the way from a step to the next one in the direction of the rate."""
    beyond = [other for other in _RATE_STEPS if (other > step) == (rate > step) and other != step]
    return min((_steps_apart(other, step) for other in beyond), default=math.inf) / 2


class HealthMonitor:
    """Collects timings between two reports. One thread only.

    The more faces, the longer a frame takes, so that speed reveals how many there are.

    Args:
        now: Monotonic seconds.
        min_group: Nothing may be reported that reveals fewer faces than this. Latencies over a period in which fewer
            were present are left out and its rate is rounded, and frames are counted in hundreds at all times.
            ``None`` reports everything.
        coarse: Nothing may be reported that depends on a single face, however many there are. So every period is
            treated like one of a small group, and rates are the nearest of a few steps. So is the limit of the rate,
            which follows from what a frame takes.
    """

    def __init__(self, now: float, min_group: int | None = None, *, coarse: bool = False) -> None:
        self._since, self._min_group = now, min_group
        self._coarse_rate = CoarseRate() if coarse else None
        self._coarse_limit = CoarseRate() if coarse else None
        self._frames_read = 0
        self._coarse_dropped = 0.0
        self._small = coarse
        self._timings: defaultdict[str, list[float]] = defaultdict(list)
        self._failed = False
        self._searches: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._search_cpu_ms = 0.0
        self._unread: Counter[str] = Counter()

    def count(
        self, stage_ms: Sequence[tuple[str, float]], total_ms: float, faces: int, *, failed: bool = False
    ) -> None:
        """Count one frame.

        Args:
            stage_ms: What each stage took.
            total_ms: The time from its capture to its decisions.
            faces: How many were present.
            failed: Whether they could not be classified.
        """
        self._small = self._small or (self._min_group is not None and faces < self._min_group)
        self._failed = self._failed or failed
        for stage, milliseconds in (*stage_ms, ("total", total_ms)):
            self._timings[stage].append(milliseconds)

    def count_search(self, search: Search, cpu_ms: float) -> None:
        """Count where one frame was searched for faces, and the milliseconds of processor time that took."""
        self._searches[search.kind] += 1
        self._reasons[search.reason] += search.kind != "none"
        self._search_cpu_ms += cpu_ms

    def count_unread(self, reasons: Sequence[str]) -> None:
        """Count the faces of one frame from which no expression could be read, by the reasons."""
        self._unread.update(reasons)

    def report(
        self,
        camera: CameraReport,
        now: float,
        hardware: HardwareStatus,
        fps_limit: float | None = None,
        other_problems: Sequence[str] = (),
    ) -> HealthReport:
        """The statistics since the last report, which start afresh with it.

        Args:
            camera: The camera's side.
            now: Monotonic seconds.
            hardware: The hardware's status.
            fps_limit: The rate that perception limits itself to; ``None`` where it does not.
            other_problems: Short words for what is wrong elsewhere.
        """
        frames = len(self._timings["total"])
        elapsed = max(now - self._since, 1e-9)
        published = {} if self._small else self._timings
        latency = {stage: percentiles(values) for stage, values in published.items() if values}
        fps = round(frames / elapsed, 0 if self._small else 2)
        dropped = camera.frames_dropped
        if self._coarse_rate is not None:
            fps = self._coarse_rate.nearest(frames / elapsed)
            self._coarse_dropped += max(0.0, camera.frames_read - self._frames_read - fps * elapsed)
            dropped = int(self._coarse_dropped)
        if self._coarse_limit is not None and fps_limit is not None:
            fps_limit = self._coarse_limit.nearest(fps_limit)
        self._frames_read = camera.frames_read
        step = 1 if self._min_group is None else _COARSE_FRAMES
        search = None if self._small else self._search_health()
        unread = None if self._small else dict(sorted(self._unread.items()))
        self._unread.clear()
        self._timings.clear()
        self._searches.clear()
        self._reasons.clear()
        self._search_cpu_ms = 0.0
        self._since, self._small = now, self._coarse_rate is not None
        problems = [] if camera.state in _HEALTHY_STATES else [f"camera_{camera.state.value}"]
        if hardware.throttled:
            problems.append("throttled")
        if fps_limit is not None:
            problems.append("frame_rate_reduced")
        problems += other_problems
        if self._failed:
            problems.append("inference_failed")
            self._failed = False
        return HealthReport(
            fps=fps,
            latency_ms=latency,
            search=search,
            unread=unread,
            camera=CameraHealth(state=camera.state.value, reason=camera.reason, undecodable=camera.undecodable),
            frames_read=camera.frames_read // step * step,
            frames_dropped=dropped // step * step,
            temperature_c=hardware.temperature_c,
            throttled=hardware.throttled,
            fps_limit=fps_limit,
            muted=camera.state is CameraState.MUTED,
            problems=tuple(problems),
        )

    def _search_health(self) -> SearchHealth | None:
        frames = self._searches.total()
        if not frames:
            return None
        return SearchHealth(
            frames=frames,
            whole=self._searches["whole"],
            regions=self._searches["regions"],
            reasons={reason: count for reason, count in sorted(self._reasons.items()) if count},
            cpu_ms=round(self._search_cpu_ms / frames, 2),
        )


def percentiles(values: Sequence[float]) -> Percentiles:
    """Median and 95th percentile of at least one value."""
    p50, p95 = np.percentile(values, [50, 95])
    return Percentiles(p50=round(float(p50), 2), p95=round(float(p95), 2))
