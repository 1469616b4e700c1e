"""A source whose frames are turned and mirrored before anybody sees them."""

from __future__ import annotations

from edge_agent.types import Image
from edge_agent.vision.sources.base import FrameSource, idle_until_of, undecodable_of
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
        return undecodable_of(self._source)

    @property
    def idle_until(self) -> float:
        """Monotonic seconds until which a running read waits on purpose."""
        return idle_until_of(self._source)

    def read(self) -> Image | None:
        """Block for the next frame; ``None`` once the source has ended or was closed."""
        image = self._source.read()
        return None if image is None else turned(image, self._rotate_deg, mirror=self._mirror)

    def close(self) -> None:
        """Release the device, from any thread."""
        self._source.close()
