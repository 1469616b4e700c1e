"""A live OpenCV capture: always the newest frame, at no more than the rate asked for."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np

from edge_agent.errors import CameraError
from edge_agent.types import Image
from edge_agent.vision.sources.base import GuardedSource, next_due

FRESH_AFTER_S = 0.005
"""A frame that took less than this to arrive was not waited for: it lay in a buffer and is old."""


class LiveCapture(GuardedSource):
    """Reads a camera or stream continuously and decodes only the frames that are wanted.

    Frames that lay in a buffer are thrown away. Where the device is faster than ``fps``, frames between are taken off
    it undecoded, so that the next one is not an old one.

    Args:
        name: What to call it; holds no password.
        capture: The opened capture; closed with this source.
        fps: Frames per second wanted.
        buffered: How many frames in a row may be thrown away as old: what driver or network can hold back.
        remedy: What the user can do when it stops delivering.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        name: str,
        capture: cv2.VideoCapture,
        fps: float,
        buffered: int,
        remedy: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.name = name
        self._capture = capture
        self._period_s = 1.0 / fps
        self._buffered = buffered
        self._remedy = remedy
        self._clock = clock
        self._due: float | None = None

    def _next(self) -> Image | None:
        old = 0
        while not self._closed.is_set():
            asked_at = self._clock()
            if not self._capture.grab():
                raise self._broken()
            now = self._clock()
            if now - asked_at < FRESH_AFTER_S and old < self._buffered:
                old += 1
                continue
            due = next_due(self._due, now, self._period_s)
            # Cameras are not exact: a frame a little early is the one that is meant.
            if now < due - 0.25 * self._period_s:
                continue
            self._due = due
            return self._decode()
        return None

    def _decode(self) -> Image:
        decoded, image = self._capture.retrieve()
        if not decoded or image.size == 0:
            raise self._broken()
        return image.astype(np.uint8, copy=False)

    def _broken(self) -> CameraError:
        return CameraError(self.name, received="no more frames", expected="a picture", remedy=self._remedy)

    def _release(self) -> None:
        self._capture.release()
