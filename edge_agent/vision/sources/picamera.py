"""A Pi's own camera through the ``picamera2`` library: only where the camera program is missing."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError
from edge_agent.types import Image
from edge_agent.vision.sources.base import GuardedSource


class Picamera2Source(GuardedSource):
    """Reads frames from libcamera in this process. A wedged camera cannot be released here, only abandoned.

    Raises:
        CameraError: The library cannot be loaded, or finds no camera, or one in use.
    """

    def __init__(self, settings: CameraSettings) -> None:
        super().__init__()
        self.name = "CSI camera (picamera2)"
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
        try:
            return np.asarray(self._camera.capture_array("main"), np.uint8)
        except RuntimeError as error:
            raise CameraError(self.name, received=str(error), remedy="Check the ribbon cable") from None

    def _release(self) -> None:
        self._camera.stop()
        self._camera.close()
