"""The two clocks of a device: monotonic time, which orders, and wall-clock time, which dates and may be wrong."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol

_TIMESYNC_FILE = Path("/run/systemd/timesync/synchronized")
_TIME_ERROR = 5
"""What adjtimex(2) returns while the kernel counts the clock as unsynchronised."""


class Clock(Protocol):
    """Where messaging reads time. Monotonic seconds share their base with the pipeline's ``observed_at``."""

    def monotonic(self) -> float:
        """Seconds that never jump."""

    def wall(self) -> float:
        """Seconds since 1970 in UTC, as far as the device knows; may be stepped at any moment."""

    def synced(self) -> bool:
        """Whether wall-clock time has been set from a reliable source since the device started."""


class SystemClock:
    """The clocks of this machine."""

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970 in UTC."""
        return time.time()

    def synced(self) -> bool:
        """Whether the clock of this machine counts as synchronised."""
        return clock_synced()


def clock_synced() -> bool:
    """Whether this machine's clock is synchronised: the kernel says so, or systemd-timesyncd has written its file.

    A machine that offers neither counts as unsynchronised.
    """
    return _kernel_says_synced() or _TIMESYNC_FILE.exists()


def _kernel_says_synced() -> bool:
    import ctypes  # not needed by those who only date messages

    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (AttributeError, OSError):
        return False
    # struct timex, under 256 bytes on every platform, starts with `modes`: zero asks without changing anything.
    state = int(adjtimex(ctypes.create_string_buffer(512)))
    return 0 <= state < _TIME_ERROR


def utc_text(unix_s: float) -> str:
    """``2026-11-22T09:00:00.123Z``: ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(unix_s, tz=timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
