"""Finding faces in frame after frame at little cost: follow known ones, search where one may have come or gone."""

from __future__ import annotations

import time
from dataclasses import dataclass

from edge_agent.types import Detection, Image
from edge_agent.vision.detector import Detector
from edge_agent.vision.motion import MotionWatch
from edge_agent.vision.search_plan import Search, SearchState, after_whole_search, plan
from edge_agent.vision.tracker import Tracker
from edge_agent.vision.zones import NO_ZONES, Zones


@dataclass(frozen=True, slots=True)
class Finding:
    """What one frame gave.

    Attributes:
        detections: Faces that were found where the frame was searched.
        search: Where it was searched, and why.
        cpu_ms: Milliseconds of this thread's processor time that the search took.
    """

    detections: tuple[Detection, ...]
    search: Search
    cpu_ms: float


class FaceFinder:
    """Moves tracks along with the frame and searches what has to be searched.

    Args:
        detector: Searches.
        every_frame: Search every frame whole, whatever it shows.
        zones: Where faces count: elsewhere none is found, and nothing that moves there is searched.
    """

    def __init__(self, detector: Detector, *, every_frame: bool = False, zones: Zones = NO_ZONES) -> None:
        self._detector, self._every_frame, self._zones = detector, every_frame, zones
        self._motion = MotionWatch(zones)
        self._state = SearchState()

    def find(self, image: Image, tracker: Tracker, now: float) -> Finding:
        """Faces of a frame; ``tracker``'s faces are followed before.

        Args:
            image: ``uint8 (height, width, 3)``.
            tracker: Knows who was there.
            now: Monotonic seconds of the frame.
        """
        if self._every_frame:
            return self._searched(image, Search("whole", "due"))
        known = tracker.followable(now)
        look = self._motion.look(image, [box for box, _ in known.values()], now)
        if look.gap_s is not None:
            tracker.follow(self._motion.follow(known), now)
        height, width = image.shape[:2]
        doubtful = [box for box in tracker.doubtful(now) if self._zones.holds(box, (width, height))]
        search, self._state = plan(self._state, look, doubtful, (width, height), self._detector.region_area(image), now)
        return self._searched(image, search)

    def _searched(self, image: Image, search: Search) -> Finding:
        began_s = time.thread_time()
        detections: list[Detection] = []
        if search.kind == "whole":
            detections = self._detector.detect(image)
        elif search.kind == "regions":
            detections, searched = self._detector.detect_in(image, search.regions)
            search = Search("regions", search.reason, searched)
        height, width = image.shape[:2]
        detections = [one for one in detections if self._zones.holds(one.box, (width, height))]
        cost_s = time.thread_time() - began_s
        if search.kind == "whole":
            self._state = after_whole_search(self._state, cost_s)
        return Finding(tuple(detections), search, cost_s * 1000.0)
