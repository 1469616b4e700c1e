"""USB and other V4L2 cameras, found again when they come back under another number."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path

import cv2

from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError
from edge_agent.vision.sources.base import FrameSource, read_timeout_s
from edge_agent.vision.sources.capture import LiveCapture

log = logging.getLogger(__name__)

DEV = Path("/dev")

BUFFERED_FRAMES = 4
"""How many frames a driver may hold back: OpenCV asks for four buffers, and not every driver grants fewer later."""

QUERY_CAPABILITIES = 0x80685600
"""``VIDIOC_QUERYCAP`` of linux/videodev2.h: fills 104 bytes with driver, card, bus, version and capabilities."""

_CAPABILITIES = struct.Struct("16s32s32sIII12x")
_VIDEO_CAPTURE, _DEVICE_CAPS = 0x0000_0001, 0x8000_0000

CSI_DRIVERS = frozenset({"unicam", "bcm2835-unicam", "rp1-cfe"})
"""A Pi's sensor interfaces: they deliver raw sensor data, which only libcamera turns into pictures."""


def open_v4l2(settings: CameraSettings) -> FrameSource:
    """Open the camera at ``settings.path``, or its replacement where it came back under another number.

    Size and rate are only requested: a camera delivers the nearest it has, which the log shows.

    Raises:
        CameraError: There is no camera, it may not be used, it is in use, or it belongs to the ``csi`` source.
    """
    device = find_device(settings.path)
    _check(device)
    capture = cv2.VideoCapture(str(device.resolve()), cv2.CAP_V4L2)
    if not capture.isOpened():
        raise CameraError(
            str(device),
            received="a device that does not start",
            expected="a camera that is not in use",
            remedy=f"Stop the program that uses it; fuser -v {device} names it",
        )
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


def card_name(device: Path) -> str | None:
    """The name of the camera behind a device node, or ``None`` where it is no camera for this source.

    One USB camera has several nodes, of which one gives pictures; codecs and a Pi's own sensor have nodes, too.

    Raises:
        OSError: The node does not exist or may not be opened.
    """
    driver, card, capabilities = _query(device)
    return card if capabilities & _VIDEO_CAPTURE and driver not in CSI_DRIVERS else None


def parse_capabilities(answer: bytes) -> tuple[str, str, int]:
    """Driver, card name and capability bits of this node from the 104 bytes of ``VIDIOC_QUERYCAP``."""
    driver, card, _, _, of_device, of_node = _CAPABILITIES.unpack(answer)
    texts = [text.split(b"\0")[0].decode(errors="replace") for text in (driver, card)]
    return texts[0], texts[1], of_node if of_device & _DEVICE_CAPS else of_device


def find_device(path: str, dev: Path = DEV, camera_at: Callable[[Path], str | None] = card_name) -> Path:
    """The device node to open for ``path``: ``/dev/video0``, a number, or a name under ``/dev/v4l``.

    A number only says in which order cameras were plugged in: where ``/dev/videoN`` is gone, the first other camera
    takes its place. A name under ``/dev/v4l/by-id`` or ``by-path`` means one certain camera and is never replaced.

    Args:
        path: ``camera.path`` of the settings.
        dev: Where device nodes are.
        camera_at: The name of the camera behind a node, ``None`` where it is none; raises ``OSError``.

    Raises:
        CameraError: It is not there, and nothing takes its place.
    """
    named = dev / f"video{int(path)}" if path.isdecimal() else Path(path)
    try:
        if named.exists():
            return named
    except OSError as error:
        raise explain(named, error) from None
    others = list_cameras(dev, camera_at)
    if others and re.fullmatch(r"video[0-9]+", named.name):
        node, card = others[0]
        log.info("%s is gone; using %s (%s)", named, node, card)
        return node
    present = ", ".join(f"{node} ({card})" for node, card in others)
    raise CameraError(
        str(named),
        received="no such device",
        expected="a camera",
        remedy=f"Set camera.path to one that is there: {present}"
        if present
        else "Plug the camera in, or set camera.source to what you use",
    )


def list_cameras(dev: Path = DEV, camera_at: Callable[[Path], str | None] = card_name) -> list[tuple[Path, str]]:
    """The cameras that are there and may be opened, as node and name, those listed under ``by-id`` first."""
    by_id = sorted((dev / "v4l" / "by-id").glob("*"))
    numbered = sorted(dev.glob("video[0-9]*"), key=lambda node: (len(node.name), node.name))
    found: dict[Path, str] = {}
    for node in [link.resolve() for link in by_id] + numbered:
        try:
            card = camera_at(node)
        except OSError as error:
            log.debug("%s: passed over: %s", node, error)
            continue
        if card is not None:
            found.setdefault(node, card)
    return list(found.items())


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


def _query(device: Path) -> tuple[str, str, int]:
    descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    try:
        answer = fcntl.ioctl(descriptor, QUERY_CAPABILITIES, bytes(_CAPABILITIES.size))
    finally:
        os.close(descriptor)
    return parse_capabilities(answer)


def _check(device: Path) -> None:
    """Find out why the device cannot be used while the system still says so; OpenCV would only say that it cannot."""
    try:
        driver, card, capabilities = _query(device)
    except OSError as error:
        raise explain(device, error) from None
    if driver in CSI_DRIVERS:
        raise CameraError(
            str(device), received=f"a Pi's own camera connector ({driver})", remedy='Set camera.source to "csi"'
        )
    if not capabilities & _VIDEO_CAPTURE:
        others = ", ".join(f"{node} ({name})" for node, name in list_cameras())
        remedy = f"Set camera.path to one of: {others}" if others else "Plug the camera in"
        raise CameraError(str(device), received=f"a device without pictures ({card})", remedy=remedy)
