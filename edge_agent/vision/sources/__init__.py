"""Where frames come from: a simulated classroom, files, USB cameras, network streams, a Pi's own camera."""

from __future__ import annotations

from edge_agent.config import CameraSettings
from edge_agent.vision.camera_identity import CameraMemory
from edge_agent.vision.sources.base import FrameSource, silence_opencv
from edge_agent.vision.sources.turned import TurnedSource

__all__ = ["FrameSource", "open_source"]

# At import, because OpenCV reads what this sets once, when FFmpeg is first used for anything.
silence_opencv()


def open_source(settings: CameraSettings, memory: CameraMemory | None = None) -> FrameSource:
    """Open the source that the settings name; its frames are turned and mirrored as they say.

    Each kind is imported when it is asked for, so that a device loads only what it uses.

    Args:
        settings: Which, and how it is turned.
        memory: Knows which camera was declared, where that is known; ``None`` takes any.

    Raises:
        CameraError: It does not exist, may not be used, is in use, or delivers nothing readable.
    """
    source = _open(settings, memory)
    if settings.rotate_deg or settings.mirror:
        return TurnedSource(source, settings.rotate_deg, mirror=settings.mirror)
    return source


def _open(settings: CameraSettings, memory: CameraMemory | None) -> FrameSource:
    if settings.source == "simulated":
        from edge_agent.vision.sources.simulated import SimulatedSource

        return SimulatedSource(settings)
    if settings.source == "image":
        from edge_agent.vision.sources.files import ImageSource

        return ImageSource(settings)
    if settings.source == "video":
        from edge_agent.vision.sources.files import VideoSource

        return VideoSource(settings)
    if settings.source == "v4l2":
        from edge_agent.vision.sources.v4l2 import open_v4l2

        return open_v4l2(settings, memory)
    if settings.source == "rtsp":
        from edge_agent.vision.sources.rtsp import open_rtsp

        return open_rtsp(settings)
    if settings.source in ("http", "snapshot"):
        from edge_agent.vision.sources.mjpeg import MjpegSource, SnapshotSource

        return MjpegSource(settings) if settings.source == "http" else SnapshotSource(settings)
    from edge_agent.vision.sources.csi import open_csi

    return open_csi(settings, memory)
