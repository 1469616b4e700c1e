"""The one place through which frames pass from the camera's threads to the perception thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

from edge_agent.types import Frame, Image


class FrameSlot:
    """Holds one frame: the newest. Frames of a source that was given up are refused.

    Args:
        max_age_s: Frames older than this when they are asked for are dropped: they show a classroom as it no longer is.
        clock: Monotonic seconds.

    Attributes:
        frames_read: Frames accepted so far; also the index of the next one.
        frames_dropped: Those of them that nobody took.
    """

    def __init__(self, max_age_s: float, clock: Callable[[], float]) -> None:
        self.frames_read = 0
        self.frames_dropped = 0
        self._max_age_s = max_age_s
        self._clock = clock
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._taken = True
        self._kept = False
        self._generation = 0

    def begin(self) -> int:
        """Begin a new generation of frames: forget the frame of the old one, and refuse what it still sends.

        Returns:
            What :meth:`put` must be called with from now on.
        """
        with self._changed:
            self._drop()
            self._generation += 1
            self._changed.notify_all()
            return self._generation

    def put(self, generation: int, image: Image, captured_at: float, keep: bool) -> bool:
        """Offer a frame to the consumer, in place of one it has not taken yet.

        Args:
            generation: As :meth:`begin` returned it.
            image: ``uint8 (height, width, 3)``, blue-green-red.
            captured_at: Monotonic seconds.
            keep: Whether the frame must not be lost: then this call waits until it was taken.

        Returns:
            False if the generation is over, so that its source should stop.
        """
        with self._changed:
            if generation != self._generation:
                return False
            self._drop()
            self._frame = Frame(image, captured_at, self.frames_read)
            self.frames_read += 1
            self._taken, self._kept = False, keep
            self._changed.notify_all()
            if keep:
                self._changed.wait_for(lambda: self._taken or generation != self._generation)
            return generation == self._generation

    def take(self, newer_than: int, timeout_s: float) -> Frame | None:
        """The frame in the slot once its index is over ``newer_than``, or ``None`` after ``timeout_s`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._has(newer_than), timeout_s)
            if not self._has(newer_than):
                return None
            self._taken = True
            self._changed.notify_all()
            return self._frame

    def _has(self, newer_than: int) -> bool:
        if self._frame is None or self._frame.index <= newer_than:
            return False
        if not self._kept and self._clock() - self._frame.captured_at > self._max_age_s:
            self._drop()
            return False
        return True

    def _drop(self) -> None:
        if not self._taken:
            self.frames_dropped += 1
        self._frame, self._taken = None, True
