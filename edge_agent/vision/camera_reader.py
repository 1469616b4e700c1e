"""What is known of a source while a thread reads it."""

from __future__ import annotations

import logging

from edge_agent.vision.sources import FrameSource
from edge_agent.vision.sources.base import undecodable_of

log = logging.getLogger(__name__)


class Reader:
    """One life of the source, from opening to closing, on a thread of its own.

    Attributes:
        generation: Which frames in the slot are its.
        source: What it has opened, ``None`` before.
        lossless: Whether its frames must all be taken.
        silent_since: Since when it waits for the device, monotonic seconds; ``None`` while it is the consumer's turn.
        closed: Whether it has released the device.
    """

    def __init__(self, generation: int, now: float) -> None:
        self.generation = generation
        self.source: FrameSource | None = None
        self.lossless = False
        self.silent_since: float | None = now
        self.closed = False
        self._undecodable = 0

    def newly_undecodable(self) -> int:
        """How many pictures could not be decoded since this was asked before."""
        so_far = undecodable_of(self.source)
        new, self._undecodable = so_far - self._undecodable, so_far
        return new

    def close_source(self) -> None:
        """Close the source. From outside, this also ends a hanging read where the source has a way to end it."""
        if self.source is None:
            return
        try:
            self.source.close()
        except Exception:
            log.exception("camera: %s could not be closed", self.source.name)
