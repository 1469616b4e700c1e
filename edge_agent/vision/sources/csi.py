"""A Raspberry Pi's own (CSI) camera, through the camera program that comes with the system.

A child process rather than a library: it can be killed when the camera wedges, and its end really frees the camera.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError
from edge_agent.types import Image
from edge_agent.vision.camera_identity import CameraMemory
from edge_agent.vision.csi_sensors import csi_camera
from edge_agent.vision.sources.base import FrameSource, GuardedSource, read_timeout_s
from edge_agent.vision.v4l2_devices import SYS

log = logging.getLogger(__name__)

PROGRAMS = ("rpicam-vid", "libcamera-vid")
"""Looked for on the PATH in this order; Raspberry Pi OS renamed the second to the first in Bookworm."""

START_TIMEOUT_S = 12.0
"""How long the program may take to deliver its first frame. Starting and metering take about a second."""

KILL_AFTER_S = 1.0
"""How long the program may take to end when asked to."""

_ROW_ALIGNMENT_PX = 128


def open_csi(settings: CameraSettings, memory: CameraMemory | None = None, sys: Path = SYS) -> FrameSource:
    """Open the camera at the connector; a number in ``settings.path`` chooses among several.

    Args:
        settings: Which camera.
        memory: Knows which camera was declared; ``None`` takes any.
        sys: Root of sysfs, which shows the sensors.

    Raises:
        CameraError: No camera program is installed, it finds no camera, one in use, or another than the declared one.
    """
    found = csi_camera(settings.path, sys)
    if memory is not None:
        memory.check(settings.path, found)
    source = _open(settings)
    if memory is not None and found is not None:
        memory.note(settings.path, found)
    elif memory is not None:
        log.info(
            "%s: this system does not show which sensor it is; another camera in its place would not be noticed",
            source.name,
        )
    return source


def _open(settings: CameraSettings) -> FrameSource:
    for name in PROGRAMS:
        program = shutil.which(name)
        if program:
            return CsiSource(program, settings)
    if importlib.util.find_spec("picamera2"):
        from edge_agent.vision.sources.picamera import Picamera2Source

        return Picamera2Source(settings)
    raise CameraError(
        "CSI camera",
        received="neither rpicam-vid nor libcamera-vid on the PATH",
        remedy="Install it: sudo apt install rpicam-apps-lite",
    )


def frame_size(width_px: int, height_px: int) -> tuple[int, int]:
    """The size to ask the camera program for, as near to the wanted one as rows without padding allow.

    It writes frames as they lie in memory. The Pi 4's image processor pads rows of brightness to 64 bytes, so that
    those of colour, half as wide, come out at 32 (raspberrypi/linux pull request 4419). A width that is a multiple of
    128 needs no padding in any plane even if colour rows had to be multiples of 64, too.
    """
    return max(1, round(width_px / _ROW_ALIGNMENT_PX)) * _ROW_ALIGNMENT_PX, height_px // 2 * 2


def command_line(program: str, settings: CameraSettings) -> list[str]:
    """How the program is started: endlessly, without a preview, raw frames to its standard output."""
    width, height = frame_size(settings.width_px, settings.height_px)
    which = ["--camera", settings.path] if settings.path.isdecimal() else []
    return [
        program,
        "--timeout",
        "0",
        "--nopreview",
        "--codec",
        "yuv420",
        "--framerate",
        f"{settings.fps:g}",
        "--width",
        str(width),
        "--height",
        str(height),
        *which,
        "--flush",
        "--output",
        "-",
    ]


def to_image(raw: NDArray[np.uint8], width_px: int, height_px: int) -> Image:
    """Turn a raw frame into ``uint8 (height, width, 3)`` blue-green-red.

    Args:
        raw: Planar YUV 4:2:0, ``height * width * 3 / 2`` bytes, in JPEG's colour space: for this codec the program uses
            the full range 0 to 255, so that the conversions for television's 16 to 235 would stretch the contrast.
        width_px: Width, even.
        height_px: Height, even.
    """
    luma, chroma = height_px * width_px, height_px * width_px // 4
    planes = [raw[luma + chroma :], raw[luma : luma + chroma]]
    red, blue = (
        cv2.resize(plane.reshape(height_px // 2, width_px // 2), (width_px, height_px), interpolation=cv2.INTER_LINEAR)
        for plane in planes
    )
    merged = cv2.merge([raw[:luma].reshape(height_px, width_px), red, blue])
    return cv2.cvtColor(merged, cv2.COLOR_YCrCb2BGR).astype(np.uint8, copy=False)


class CsiSource(GuardedSource):
    """Reads raw frames from the camera program's output, one by one.

    Raises:
        CameraError: The program ends or stays silent instead of delivering a first frame.
    """

    def __init__(self, program: str, settings: CameraSettings, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.name = f"CSI camera ({Path(program).name})"
        self._clock = clock
        self._width_px, self._height_px = frame_size(settings.width_px, settings.height_px)
        self._timeout_s = read_timeout_s(settings)
        try:
            self._child = subprocess.Popen(
                command_line(program, settings),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                # A group of its own: a wrapper script is killed with what it started, and Ctrl-C does not reach it.
                start_new_session=True,
            )
        except OSError as error:
            raise CameraError(self.name, received=error.strerror, expected=f"{program} to start") from None
        self._complaints: deque[str] = deque(maxlen=40)
        self._listener = threading.Thread(target=self._listen, name="csi-stderr", daemon=True)
        self._listener.start()
        try:
            self._first: Image | None = self._receive(START_TIMEOUT_S)
        except BaseException:
            self.close()
            raise

    def _next(self) -> Image | None:
        image, self._first = self._first, None
        return image if image is not None else self._receive(self._timeout_s)

    def _receive(self, timeout_s: float) -> Image | None:
        assert self._child.stdout is not None
        pipe = self._child.stdout.fileno()
        raw = np.empty(self._height_px * self._width_px * 3 // 2, np.uint8)
        view, filled = raw.data, 0
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        deadline = self._clock() + timeout_s
        while filled < len(raw):
            remaining = deadline - self._clock()
            if remaining <= 0 or not poll.poll(remaining * 1000):
                raise CameraError(
                    self.name,
                    received=f"no frame for {timeout_s:g} s",
                    remedy="Check the ribbon cable; if it stays so, restart the device",
                )
            count = os.readv(pipe, [view[filled:]])
            if count == 0:
                if self._closed.is_set():
                    return None
                raise self._explain_end()
            filled += count
        return to_image(raw, self._width_px, self._height_px)

    def _listen(self) -> None:
        assert self._child.stderr is not None
        with contextlib.suppress(ValueError, OSError):  # closed while reading
            for line in self._child.stderr:
                self._complaints.append(line.decode(errors="replace").rstrip())

    def _explain_end(self) -> CameraError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(KILL_AFTER_S)
        code = self._stop()
        self._listener.join(1.0)
        said = [line for line in self._complaints if "ERROR" in line] or list(self._complaints)
        text = " / ".join(said[-3:]) or "nothing on stderr"
        remedy = "Run rpicam-hello --list-cameras to see what the system finds"
        if "no cameras available" in text:
            remedy = "Check the ribbon cable at both ends, then run rpicam-hello --list-cameras"
        elif "acquire" in text or "busy" in text.lower() or "in use" in text:
            remedy = "Stop the other program that uses the camera"
        return CameraError(self.name, received=f"its end with code {code}: {text}", expected="frames", remedy=remedy)

    def _interrupt(self) -> None:
        self._stop()

    def _stop(self) -> int:
        """End the program, by force where it does not listen, and return its exit code."""
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            # Once its end has been collected, its number may be somebody else's.
            if self._child.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._child.pid, signal_number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._child.wait(KILL_AFTER_S)
        log.error("%s: process %d cannot be killed; the camera may stay in use", self.name, self._child.pid)
        return -1

    def _release(self) -> None:
        for pipe in (self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()
