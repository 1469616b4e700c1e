"""A source whose frames are turned and mirrored before anybody sees them."""

from __future__ import annotations

from edge_agent.types import Image
from edge_agent.vision.sources.base import FrameSource, ReportingSource
from edge_agent.vision.turning import turned


class TurnedSource:
    """Another source, turned clockwise and then mirrored.

    Args:
        source: The other one; closed with this.
        rotate_deg: 0, 90, 180 or 270.
        mirror: Whether left and right change places.
    """

    def __init__(self, source: FrameSource, rotate_deg: int, *, mirror: bool) -> None:
        self._source, self._rotate_deg, self._mirror = source, rotate_deg, mirror
        self.name, self.lossless = source.name, source.lossless

    @property
    def undecodable(self) -> int:
        """Pictures so far that could not be decoded and were skipped."""
        return self._source.undecodable if isinstance(self._source, ReportingSource) else 0

    @property
    def idle_until(self) -> float:
        """Monotonic seconds until which a running read waits on purpose."""
        return self._source.idle_until if isinstance(self._source, ReportingSource) else 0.0

    def read(self) -> Image | None:
        """Block for the next frame; ``None`` once the source has ended or was closed."""
        image = self._source.read()
        return None if image is None else turned(image, self._rotate_deg, mirror=self._mirror)

    def close(self) -> None:
        """Release the device, from any thread."""
        self._source.close()
