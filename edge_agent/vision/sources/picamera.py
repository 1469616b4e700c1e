"""A Pi's own camera through the ``picamera2`` library: only where the camera program is missing."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError
from edge_agent.types import Image
from edge_agent.vision.sources.base import GuardedSource, PictureLoss, read_timeout_s


class Picamera2Source(GuardedSource):
    """Reads frames from libcamera in this process. A wedged camera cannot be released here, only abandoned.

    Raises:
        CameraError: The library cannot be loaded, or finds no camera, or one in use.
    """

    def __init__(self, settings: CameraSettings, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.name = "CSI camera (picamera2)"
        self._clock = clock
        self._loss = PictureLoss(self.name, read_timeout_s(settings))
        number = int(settings.path) if settings.path.isdecimal() else 0
        try:
            self._camera: Any = importlib.import_module("picamera2").Picamera2(number)
        # Besides errors of its own: a build against another NumPy gives a ValueError, no camera an IndexError.
        except (ImportError, ValueError, IndexError, RuntimeError) as error:
            remedy = "Install the camera program instead: sudo apt install rpicam-apps-lite"
            raise CameraError(self.name, received=f"{type(error).__name__}: {error}", remedy=remedy) from None
        try:
            # What the library calls RGB888 lies in memory as blue, green, red.
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"size": (settings.width_px, settings.height_px), "format": "RGB888"},
                    controls={"FrameRate": settings.fps},
                )
            )
            self._camera.start()
        except RuntimeError as error:
            self._camera.close()
            raise CameraError(
                self.name, received=str(error), remedy="Stop the other program that uses the camera"
            ) from None

    def _next(self) -> Image | None:
        while not self._closed.is_set():
            try:
                image = self._camera.capture_array("main")
                trouble = "a picture without content"
            except RuntimeError as error:
                image, trouble = None, str(error)
            if image is not None and np.ndim(image) == 3 and np.size(image):
                self._loss.good(self._clock())
                self.undecodable = self._loss.skipped
                return np.asarray(image, np.uint8)
            go_on = self._loss.bad(self._clock(), certain=True)
            self.undecodable = self._loss.skipped
            if not go_on:
                raise CameraError(self.name, received=trouble, remedy="Check the ribbon cable")
        return None

    def _release(self) -> None:
        self._camera.stop()
        self._camera.close()
