"""USB and other V4L2 cameras, found again when they come back under another number."""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Callable
from pathlib import Path

import cv2

from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError
from edge_agent.vision.camera_identity import CameraMemory
from edge_agent.vision.sources.base import FrameSource, read_timeout_s
from edge_agent.vision.sources.capture import LiveCapture
from edge_agent.vision.v4l2_devices import (
    CSI_DRIVERS,
    DEV,
    CameraIdentity,
    card_name,
    identity_of,
    list_cameras,
    query,
    takes_pictures,
)

log = logging.getLogger(__name__)

BUFFERED_FRAMES = 4
"""How many frames a driver may hold back: OpenCV asks for four buffers, and not every driver grants fewer later."""


def open_v4l2(settings: CameraSettings, memory: CameraMemory | None = None) -> FrameSource:
    """Open the camera at ``settings.path``, also where it came back under another number.

    Size and rate are only requested: a camera delivers the nearest it has, which the log shows.

    Args:
        settings: Which camera.
        memory: Knows which camera was declared; ``None`` takes any that is at the path.

    Raises:
        CameraError: There is no camera, it is another than the declared one, it may not be used, it is in use, or it
            belongs to the ``csi`` source.
    """
    device = find_device(settings.path, known=None if memory is None else memory.of(settings.path))
    found = identity_of(device, _check(device))
    if memory is not None:
        memory.check(settings.path, found)
    capture = cv2.VideoCapture(str(device.resolve()), cv2.CAP_V4L2)
    if not capture.isOpened():
        raise CameraError(
            str(device),
            received="a device that does not start",
            expected="a camera that is not in use",
            remedy=f"Stop the program that uses it; fuser -v {device} names it",
        )
    if memory is not None:
        memory.note(settings.path, found)
    if settings.width_px * settings.height_px > 640 * 480:
        # USB 2 is too slow for uncompressed pictures above VGA at a useful rate.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width_px)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height_px)
    capture.set(cv2.CAP_PROP_FPS, settings.fps)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if (width, height) != (settings.width_px, settings.height_px):
        log.info("%s: asked for %dx%d, delivers %dx%d", device, settings.width_px, settings.height_px, width, height)
    remedy, silence_s = "Check the camera's plug and cable", read_timeout_s(settings)
    return LiveCapture(str(device), capture, settings.fps, BUFFERED_FRAMES, remedy, silence_s, talkative=True)


def find_device(
    path: str,
    dev: Path = DEV,
    camera_at: Callable[[Path], str | None] = card_name,
    known: CameraIdentity | None = None,
    identify: Callable[[Path, str], CameraIdentity] = identity_of,
) -> Path:
    """The device node to open for ``path``: ``/dev/video0``, a number, or a name under ``/dev/v4l``.

    A number only says in which order cameras were plugged in: a known camera is found wherever it is now. No other
    camera takes its place. A name under ``/dev/v4l/by-id`` or ``by-path`` means one certain camera and is not searched.

    Args:
        path: ``camera.path`` of the settings.
        dev: Where device nodes are.
        camera_at: The name of the camera behind a node, ``None`` where it is none; raises ``OSError``.
        known: The camera that was declared; ``None`` before the first.
        identify: What tells the camera behind a node from others.

    Raises:
        CameraError: It is not there.
    """
    named = dev / f"video{int(path)}" if path.isdecimal() else Path(path)
    try:
        there = named.exists()
    except OSError as error:
        raise explain(named, error) from None
    numbered = re.fullmatch(r"video[0-9]+", named.name)
    if there and (known is None or not numbered):
        return named
    others = list_cameras(dev, camera_at)
    if known is not None and numbered:
        same = [node for node, card in others if known.same_as(identify(node, card))]
        if named in same or (there and not same):  # opening it will say that it is another one
            return named
        if same:
            log.info("%s is at %s now: %s", named, same[0], known)
            return same[0]
    present = ", ".join(f"{_lasting_name(node, dev)} ({card})" for node, card in others)
    raise CameraError(
        str(named),
        received="no such device",
        expected="a camera" if known is None else f"the declared camera: {known}",
        remedy=f"Plug it in, or set camera.path to one that is there: {present}"
        if present
        else "Plug the camera in, or set camera.source to what you use",
    )


def _lasting_name(node: Path, dev: Path) -> Path:
    """The name of a node under ``by-id``, where it has one."""
    links = [link for link in sorted((dev / "v4l" / "by-id").glob("*")) if link.resolve() == node.resolve()]
    return links[0] if links else node


def explain(device: Path, error: OSError) -> CameraError:
    """Say what a failure to open a device node means, and what to do."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return CameraError(
            str(device),
            received="permission denied",
            remedy="Add the agent's user to the video group: sudo usermod -aG video USER, then log in "
            "again or restart the service",
        )
    if error.errno == errno.EBUSY:
        return CameraError(
            str(device), received="a device in use", remedy=f"Stop the program that uses it; fuser -v {device} names it"
        )
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return CameraError(str(device), received="no such device", expected="a camera", remedy="Plug the camera in")
    if error.errno == errno.ENOTTY:
        return CameraError(
            str(device),
            received="something that is no video device",
            expected="a camera",
            remedy="Set camera.path to a /dev/videoN, or camera.source to what you use",
        )
    return CameraError(str(device), received=(error.strerror or str(error)).lower(), expected="a camera")


def _check(device: Path) -> str:
    """The name of the camera. Where it cannot be used, the system still says why here; OpenCV would not.

    Raises:
        CameraError: It cannot be used.
    """
    try:
        driver, card, capabilities = query(device)
    except OSError as error:
        raise explain(device, error) from None
    if driver in CSI_DRIVERS:
        raise CameraError(
            str(device), received=f"a Pi's own camera connector ({driver})", remedy='Set camera.source to "csi"'
        )
    if not takes_pictures(capabilities):
        others = ", ".join(f"{node} ({name})" for node, name in list_cameras())
        remedy = f"Set camera.path to one of: {others}" if others else "Plug the camera in"
        raise CameraError(str(device), received=f"a device without pictures ({card})", remedy=remedy)
    return card
