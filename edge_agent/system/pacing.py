"""Fewer frames while the device is hot or short of power, so that each is still answered as fast as before.

A processor that is held down takes longer for a frame. Given as many frames as ever it would be busy all the time, get
no cooler, and let every event come later; given half of them it rests between them.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from edge_agent.system.hardware_status import HardwareStatus

log = logging.getLogger(__name__)

HOT_C, COOL_C = 80.0, 72.0
"""From the first on the rate is reduced, and below the second raised again. A Raspberry Pi throttles itself at 80."""

STEP_DOWN_S, STEP_UP_S = 10.0, 60.0
"""How long a reduction is given to work before the next; how long the device must be well before the rate is raised."""

MIN_FPS = 1.0
BUSY_SHARE = 0.7
"""The share of its time that perception may be busy while the rate is reduced."""

_CHECK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Shedding:
    """How far the rate is reduced.

    Attributes:
        halvings: How often it was halved.
        changed_at: Monotonic seconds of the last change.
        well_since: Since when the device has been well; ``None`` while it is not.
    """

    halvings: int = 0
    changed_at: float = -math.inf
    well_since: float | None = None


def shed(before: Shedding, hardware: HardwareStatus, full_fps: float, now: float) -> Shedding:
    """What follows from the hardware's status: one halving at a time, at once when trouble begins, and back slowly.

    Between :data:`COOL_C` and :data:`HOT_C` everything stays as it is. What is not known counts as well.

    Args:
        before: What was decided last.
        hardware: Its status now.
        full_fps: The rate in good times.
        now: Monotonic seconds.
    """
    hot = hardware.temperature_c is not None and hardware.temperature_c >= HOT_C
    cool = hardware.temperature_c is None or hardware.temperature_c < COOL_C
    if hardware.throttled or hot:
        can_go_lower = full_fps / 2**before.halvings > MIN_FPS
        if can_go_lower and now - before.changed_at >= STEP_DOWN_S:
            return Shedding(before.halvings + 1, now)
        return Shedding(before.halvings, before.changed_at)
    if not cool:
        return Shedding(before.halvings, before.changed_at)
    well_since = now if before.well_since is None else before.well_since
    if before.halvings and now - max(well_since, before.changed_at) >= STEP_UP_S:
        return Shedding(before.halvings - 1, now, well_since)
    return Shedding(before.halvings, before.changed_at, well_since)


def limit_fps(shedding: Shedding, full_fps: float, busy_ms: float | None) -> float | None:
    """The most frames to look at a second, a whole number; ``None`` while nothing is shed.

    Args:
        shedding: How far the rate is reduced.
        full_fps: The rate in good times.
        busy_ms: What a frame takes now, in milliseconds of perception's time; ``None`` where that is not known.
    """
    if not shedding.halvings:
        return None
    rate = full_fps / 2**shedding.halvings
    if busy_ms:
        rate = min(rate, BUSY_SHARE * 1000.0 / busy_ms)
    return max(MIN_FPS, float(math.floor(rate)))


class FrameRateLimiter:
    """Keeps perception to a rate that the hardware can sustain. One thread only.

    Args:
        full_fps: The rate in good times.
        read_hardware: Gives the hardware's status; called every five seconds.
        now: Monotonic seconds.

    Attributes:
        limit: The most frames to look at a second; ``None`` while nothing is shed.
    """

    def __init__(self, full_fps: float, hardware: Callable[[], HardwareStatus], now: float) -> None:
        self._full_fps, self._hardware = full_fps, hardware
        self._shedding = Shedding()
        self._busy_ms: list[float] = []
        self._check_at = now
        self._due = now
        self.limit: float | None = None

    def wait_s(self, now: float) -> float:
        """Seconds to let pass before the next frame is looked at; 0 where it is welcome at once."""
        if now >= self._check_at:
            self._check_at = now + _CHECK_EVERY_S
            self._check(now)
        return 0.0 if self.limit is None else max(0.0, self._due - now)

    def took(self, busy_ms: float, now: float) -> None:
        """A frame has been looked at, which took so long."""
        self._busy_ms.append(busy_ms)
        if self.limit is not None:
            # From when it was due rather than from now, so that the rate is kept; but nothing missed is made up for.
            self._due = max(self._due + 1.0 / self.limit, now)

    def _check(self, now: float) -> None:
        hardware = self._hardware()
        before = self._shedding.halvings
        self._shedding = shed(self._shedding, hardware, self._full_fps, now)
        busy_ms = median(self._busy_ms) if self._busy_ms else None
        self._busy_ms.clear()
        self.limit = limit_fps(self._shedding, self._full_fps, busy_ms)
        if self._shedding.halvings > before:
            log.warning("the device is %s: at most %g frames a second are looked at", _trouble(hardware), self.limit)
        elif self._shedding.halvings < before:
            log.info("the device is well again: %g frames a second", self.limit or self._full_fps)


def _trouble(hardware: HardwareStatus) -> str:
    heat = "" if hardware.temperature_c is None else f" at {hardware.temperature_c:g} degrees"
    return ("throttled" if hardware.throttled else "hot") + heat
