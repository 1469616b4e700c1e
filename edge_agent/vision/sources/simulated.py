"""The simulated classroom as a camera, for demos and for trying the agent without one."""

from __future__ import annotations

import time
from collections.abc import Callable

from edge_agent.config import CameraSettings
from edge_agent.simulate import SimulatedClassroom
from edge_agent.types import Image
from edge_agent.vision.sources.base import GuardedSource, Pacer


class SimulatedSource(GuardedSource):
    """Renders the scene in real time: frames show what is there at the moment they are delivered.

    Attributes:
        scene: The classroom, which knows the truth about each moment.
    """

    def __init__(self, settings: CameraSettings, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.name = "simulated classroom"
        self.scene = SimulatedClassroom(settings.faces, settings.width_px, settings.height_px, settings.seed)
        self._pacer = Pacer(settings.fps, self._closed, clock)
        self._started_at = clock()

    def scene_time(self, captured_at: float) -> float:
        """Scene seconds, as ``scene.truth`` takes them, of the frame captured at ``captured_at`` monotonic seconds.

        Exact to a millisecond or so while rendering keeps up with the frame rate; otherwise off by one rendering.
        """
        return captured_at - self._started_at

    def _next(self) -> Image | None:
        due = self._pacer.next()
        image = self.scene.render(self.scene_time(due))
        self._pacer.wait_until(due)
        return image
