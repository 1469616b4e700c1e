"""Network cameras over RTSP, and whatever other streams FFmpeg opens. Passwords stay out of every message."""

from __future__ import annotations

import os

import cv2

from edge_agent.addresses.parsing import Address
from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError
from edge_agent.vision.opencv import silence_log
from edge_agent.vision.sources.base import FrameSource, read_timeout_s
from edge_agent.vision.sources.capture import LiveCapture, check_announced
from edge_agent.vision.sources.network import OPEN_TIMEOUT_S, camera_address, connect

BUFFERED_FRAMES = 250
"""How many frames may have piled up: FFmpeg collects some seconds of a stream while it finds out what it is."""


def open_rtsp(settings: CameraSettings) -> FrameSource:
    """Open the stream at ``settings.url`` over TCP, OpenCV's default for RTSP.

    Raises:
        CameraError: The address is malformed, nobody answers there, or what answers gives no pictures.
    """
    address = camera_address(settings)
    connect(address).close()
    _keep_silent(address)
    try:
        capture = cv2.VideoCapture(
            address.complete(),
            cv2.CAP_FFMPEG,
            [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                int(OPEN_TIMEOUT_S * 1000),
                cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                int(read_timeout_s(settings) * 1000),
            ],
        )
    except cv2.error:  # its text quotes the address
        raise _no_pictures(address) from None
    if not capture.isOpened():
        raise _no_pictures(address)
    check_announced(str(address), capture, settings.max_megapixels)
    remedy = "Check the camera's power and its network"
    return LiveCapture(str(address), capture, settings.fps, BUFFERED_FRAMES, remedy, read_timeout_s(settings))


def _no_pictures(address: Address) -> CameraError:
    return CameraError(
        str(address),
        received="an answer, but no pictures",
        expected="a video stream",
        remedy="Check the address's path, user and password, and that the camera serves RTSP over TCP",
    )


def _keep_silent(address: Address) -> None:
    """Have OpenCV and FFmpeg print nothing where they would print a password, whatever the environment asks for."""
    if str(address) == address.complete():
        return
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
    os.environ.pop("OPENCV_FFMPEG_DEBUG", None)
    silence_log()
