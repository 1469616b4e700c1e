"""A live OpenCV capture: always the newest frame, at no more than the rate asked for."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from edge_agent.errors import CameraError
from edge_agent.types import Image
from edge_agent.vision.native_stderr import DECODER_MESSAGES, held_back
from edge_agent.vision.sources.base import GuardedSource, PictureLoss, next_due, worth_logging

log = logging.getLogger(__name__)

FRESH_AFTER_S = 0.005
"""A frame that took less than this to arrive was not waited for: it lay in a buffer and is old."""


def check_announced(name: str, capture: cv2.VideoCapture, max_megapixels: float) -> None:
    """Refuse an opened recording or stream whose frames would be too large, before one is decoded into an image.

    Args:
        name: What to call it; holds no password.
        capture: Where the size is announced.
        max_megapixels: From the settings.

    Raises:
        CameraError: It announces larger frames.
    """
    width, height = (capture.get(size) for size in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if width * height > max_megapixels * 1e6:
        capture.release()
        raise CameraError(
            name,
            received=f"frames of {width:.0f} x {height:.0f} pixels ({width * height / 1e6:,.0f} megapixels)",
            expected=f"at most {max_megapixels:g} megapixels",
            remedy="Have it made smaller, or raise the limit (camera.max_megapixels)",
        )


class LiveCapture(GuardedSource):
    """Reads a camera or stream continuously and decodes only the frames that are wanted.

    Frames that lay in a buffer are thrown away. Where the device is faster than ``fps``, frames between are taken off
    it undecoded, so that the next one is not an old one. Single pictures that cannot be decoded are skipped.

    Args:
        name: What to call it; holds no password.
        capture: The opened capture; closed with this source.
        fps: Frames per second wanted.
        buffered: How many frames in a row may be thrown away as old: what driver or network can hold back.
        remedy: What the user can do when it stops delivering.
        silence_s: Without a good picture for so long it is broken.
        talkative: Whether its decoder writes to the process's stderr, which is kept off the terminal.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        name: str,
        capture: cv2.VideoCapture,
        fps: float,
        buffered: int,
        remedy: str,
        silence_s: float = float("inf"),
        *,
        talkative: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.name = name
        self._capture = capture
        self._period_s = 1.0 / fps
        self._buffered = buffered
        self._remedy = remedy
        self._clock = clock
        self._talkative, self._complaints = talkative, 0
        self._loss = PictureLoss(name, silence_s)
        self._due: float | None = None

    def _next(self) -> Image | None:
        old = 0
        while not self._closed.is_set():
            asked_at = self._clock()
            if not self._grab():
                self._failed(certain=False)
                continue
            now = self._clock()
            if now - asked_at < FRESH_AFTER_S and old < self._buffered:
                old += 1
                continue
            due = next_due(self._due, now, self._period_s)
            # Cameras are not exact: a frame a little early is the one that is meant.
            if now < due - 0.25 * self._period_s:
                continue
            image = self._decode()
            if image is None:
                self._failed(certain=True)
                continue
            self._due = due
            self._loss.good(now)
            self.undecodable = self._loss.skipped
            return image
        return None

    def _grab(self) -> bool:
        try:
            return self._capture.grab()
        except cv2.error as error:
            log.debug("%s: %s", self.name, error.err)
            return False

    def _decode(self) -> Image | None:
        """The picture that was taken off the device, ``None`` where it is none."""
        if not self._talkative:
            return retrieved(self._capture)
        with held_back(DECODER_MESSAGES) as said:
            image = retrieved(self._capture)
        if said.text.strip():
            self._complaints += 1
            if worth_logging(self._complaints):
                first = said.text.decode(errors="replace").strip().splitlines()[0]
                log.warning("%s: the decoder complained %d times, now: %s", self.name, self._complaints, first)
        return image

    def _failed(self, *, certain: bool) -> None:
        """Raises:
        CameraError: This was one failure too many.
        """
        go_on = self._loss.bad(self._clock(), certain=certain)
        self.undecodable = self._loss.skipped
        if not go_on and not self._closed.is_set():
            raise CameraError(self.name, received="no more frames", expected="a picture", remedy=self._remedy)

    def _release(self) -> None:
        self._capture.release()


def retrieved(capture: cv2.VideoCapture) -> Image | None:
    """The picture that a capture has grabbed, ``uint8 (height, width, 3)``; ``None`` where it cannot be decoded."""
    try:
        decoded, found = capture.retrieve()
    except cv2.error:
        return None
    # The stubs promise an array; for a picture that its decoder gave up there is none, whatever `decoded` says.
    image: Any = found
    if not decoded or image is None or image.size == 0:
        return None
    return np.asarray(image, np.uint8)
