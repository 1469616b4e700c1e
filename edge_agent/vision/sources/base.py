"""What every source of frames has in common: the protocol, safe closing, and keeping to a rate."""

from __future__ import annotations

import logging
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from edge_agent.config import CameraSettings
from edge_agent.types import Image
from edge_agent.vision.opencv import silence_log

log = logging.getLogger(__name__)

MAX_UNDECODABLE_RUN = 30
"""After so many pictures in a row that cannot be decoded a source is given up. Fewer are skipped and counted."""


class FrameSource(Protocol):
    """Where frames come from: one opened device, stream or file.

    Attributes:
        name: What to call it in logs; never holds a password.
        lossless: Whether every frame matters, so that a slow consumer is waited for (files); otherwise the newest frame
            wins and older ones are dropped (cameras).
    """

    name: str
    lossless: bool

    def read(self) -> Image | None:
        """Block until the next frame is due: ``uint8 (height, width, 3)``, blue-green-red.

        Returns:
            The frame, which the caller must not write to, or ``None`` once the source has ended or was closed.

        Raises:
            CameraError: The source broke.
        """

    def close(self) -> None:
        """Release the device. May be called from any thread, at any time, more than once.

        A call during a ``read`` cuts it short where that is possible. Otherwise the device is released by the call that
        the reading thread makes after its last ``read``.
        """


@runtime_checkable
class ReportingSource(Protocol):
    """A source that says more of itself than its frames.

    Attributes:
        undecodable: Pictures so far that could not be decoded and were skipped.
        idle_until: Monotonic seconds until which a running read waits on purpose, as recordings do between pictures.
    """

    @property
    def undecodable(self) -> int: ...

    @property
    def idle_until(self) -> float: ...


def undecodable_of(source: object) -> int:
    """How many pictures of a source could not be decoded so far; 0 where it does not say."""
    return source.undecodable if isinstance(source, ReportingSource) else 0


def idle_until_of(source: object) -> float:
    """Until when a source waits on purpose, monotonic seconds; 0 where it does not say."""
    return source.idle_until if isinstance(source, ReportingSource) else 0.0


class PictureLoss:
    """Tells single bad pictures, which are skipped, from the end of a source. One thread only.

    Args:
        name: What to call the source in the log.
        silence_s: Without a good picture for so long the source is given up, whatever else it sends.

    Attributes:
        skipped: Pictures skipped so far.
    """

    def __init__(self, name: str, silence_s: float = float("inf")) -> None:
        self.skipped = 0
        self._name, self._silence_s = name, silence_s
        self._run = self._unsettled = 0
        self._good_at: float | None = None

    def good(self, now: float) -> int:
        """Take note of a good picture; how many were skipped since the one before.

        Args:
            now: Monotonic seconds.
        """
        run, self._run = self._run, 0
        self._count(self._unsettled)
        self._unsettled, self._good_at = 0, now
        return run

    def bad(self, now: float, *, certain: bool) -> bool:
        """Take note of a failure; whether to go on reading.

        Args:
            now: Monotonic seconds.
            certain: Whether there was a picture. Otherwise it may have been the source's end, and counts as a picture
                only where a good one follows.
        """
        if certain:
            self._count(1)
        else:
            self._unsettled += 1
        self._run += 1
        if self._good_at is None:
            self._good_at = now
        return self._run < MAX_UNDECODABLE_RUN and now - self._good_at < self._silence_s

    def _count(self, more: int) -> None:
        for _ in range(more):
            self.skipped += 1
            if worth_logging(self.skipped):
                log.warning("%s: pictures that cannot be decoded, skipped: %d so far", self._name, self.skipped)


def worth_logging(count: int) -> bool:
    """Whether something that happened ``count`` times goes into the log again: at 1, 10, 100 and so on."""
    return str(count).rstrip("0") == "1"


class GuardedSource(ABC):
    """A source that can be closed from another thread without pulling the device away under a running read.

    Attributes:
        undecodable: See :class:`ReportingSource`, as for the next one.
        idle_until: Until when a running read waits on purpose.
    """

    name: str
    lossless = False
    undecodable = 0
    idle_until = 0.0

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._closed = threading.Event()
        self._released = False

    def read(self) -> Image | None:
        """Block for the next frame; ``None`` once the source has ended or was closed."""
        with self._reading:
            image = None if self._closed.is_set() else self._next()
            return None if self._closed.is_set() else image

    def close(self) -> None:
        """Release the device, from any thread; a running read is cut short where that is possible."""
        self._closed.set()
        self._interrupt()
        if self._reading.acquire(blocking=False):
            try:
                if not self._released:
                    self._released = True
                    self._release()
            finally:
                self._reading.release()

    @abstractmethod
    def _next(self) -> Image | None:
        """Block for the next frame. Never runs during or after ``_release``."""

    def _interrupt(self) -> None:  # noqa: B027 - most kinds have no way to
        """Make a running ``_next`` return soon, where the kind of source has a way to."""

    def _release(self) -> None:  # noqa: B027 - some hold nothing
        """Free the device. Runs once, never during ``_next``."""


def next_due(due: float | None, now: float, period_s: float) -> float:
    """When the frame after the one due at ``due`` (``None``: there was none) is due, in monotonic seconds.

    Small delays are caught up with, so that the mean rate holds. More than a period of delay is not: the schedule
    starts anew instead of sending a burst.
    """
    if due is None or now > due + 2 * period_s:
        return now
    return due + period_s


class Pacer:
    """Keeps a source that could deliver at any time to a fixed rate.

    Args:
        fps: Frames per second.
        closed: Ends every wait at once when set.
        clock: Monotonic seconds.
    """

    def __init__(self, fps: float, closed: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._period_s = 1.0 / fps
        self._closed = closed
        self._clock = clock
        self._due: float | None = None

    def next(self, gap_s: float | None = None) -> float:
        """When the next frame is due, in monotonic seconds; at once for the first.

        Args:
            gap_s: Seconds since the frame before, where that is not a period of the rate.
        """
        self._due = next_due(self._due, self._clock(), self._period_s if gap_s is None else gap_s)
        return self._due

    def wait_until(self, due: float) -> None:
        """Sleep until ``due``."""
        remaining = due - self._clock()
        if remaining > 0:
            self._closed.wait(remaining)


def read_timeout_s(settings: CameraSettings) -> float:
    """How long a live source waits for a frame before it reports itself broken, in seconds.

    Shorter than the time after which the camera thread abandons it, so that a device that can still be released
    properly is.
    """
    return 0.8 * settings.stall_s


def silence_opencv() -> None:
    """Keep OpenCV and FFmpeg from writing to stderr: errors reach the user once, as this project's own message.

    FFmpeg's lines would also show the password of a stream's address. ``OPENCV_LOG_LEVEL`` and
    ``OPENCV_FFMPEG_LOGLEVEL``, where set, are respected.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    if "OPENCV_LOG_LEVEL" not in os.environ:
        silence_log()
