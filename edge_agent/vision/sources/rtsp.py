"""Network cameras over RTSP. Passwords in addresses stay out of every message."""

from __future__ import annotations

import re
import socket
from urllib.parse import urlsplit

import cv2

from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError
from edge_agent.vision.sources.base import FrameSource, read_timeout_s
from edge_agent.vision.sources.capture import LiveCapture

OPEN_TIMEOUT_S = 10.0
"""How long a camera may take to answer and to send its first picture."""

BUFFERED_FRAMES = 250
"""How many frames may have piled up: FFmpeg collects some seconds of a stream while it finds out what it is."""

_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}
_SECRET = re.compile(r"(?i)\b(user(?:name)?|usr|pass(?:word)?|pwd|token|auth|key)=[^&/;]*")


def open_rtsp(settings: CameraSettings) -> FrameSource:
    """Open the stream at ``settings.url`` over TCP, OpenCV's default for RTSP.

    Raises:
        CameraError: The address is none, nobody answers there, or what answers gives no pictures.
    """
    name = without_secrets(settings.url)
    _check_reachable(settings.url, name)
    capture = cv2.VideoCapture(
        settings.url,
        cv2.CAP_FFMPEG,
        [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            int(OPEN_TIMEOUT_S * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            int(read_timeout_s(settings) * 1000),
        ],
    )
    if not capture.isOpened():
        raise CameraError(
            name,
            received="an answer, but no pictures",
            expected="a video stream",
            remedy="Check the address's path, user and password, and that the camera serves RTSP over TCP",
        )
    return LiveCapture(name, capture, settings.fps, BUFFERED_FRAMES, "Check the camera's power and its network")


def without_secrets(url: str) -> str:
    """The address without user and password, fit for a log: also those that cameras want in the path or query."""
    scheme, separator, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    return scheme + separator + place.rpartition("@")[2] + slash + _SECRET.sub(r"\1=...", path)


def _check_reachable(url: str, name: str) -> None:
    """Distinguish an address that is wrong or does not answer from a refused stream; OpenCV does not."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        host = port = None
    if not host or port is None:
        raise CameraError(
            f"camera.url {name}",
            expected="an address like rtsp://camera.local/stream",
            remedy="Correct it; in a password, write @ as %40 and / as %2F",
        )
    try:
        socket.create_connection((host, port), timeout=OPEN_TIMEOUT_S).close()
    except OSError as error:
        # Of an OSError, only `strerror` is sure not to carry the address.
        reason = (error.strerror or "no answer").lower()
        raise CameraError(
            name,
            received=reason,
            expected=f"a camera at {host} port {port}",
            remedy="Check its power, its network and the address",
        ) from None
