"""Finding faces with fewer searches, on drawn classes whose truth is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest

from edge_agent.config import TrackerSettings
from edge_agent.simulate import SimulatedClassroom
from edge_agent.vision.face_finder import FaceFinder
from edge_agent.vision.haar import HaarDetector
from edge_agent.vision.tracker import Tracker, random_ids

FPS = 10.0


@dataclass
class Watched:
    """How well a class was seen."""

    seen: list[bool] = field(default_factory=list)
    searches: Counter[str] = field(default_factory=Counter)
    unseen_s: list[float] = field(default_factory=list)


def watch(faces: int, seconds: float, *, every_frame: bool, start: float = 5.0) -> Watched:
    """Let a class be watched; ``unseen_s``: how long each who appeared waited to be known."""
    scene = SimulatedClassroom(faces, 640, 480, seed=3)
    finder = FaceFinder(HaarDetector(), every_frame=every_frame)
    tracker = Tracker(TrackerSettings(), random_ids())
    watched, appeared = Watched(), dict[int, float]()
    for frame in range(round(seconds * FPS)):
        t = start + frame / FPS
        found = finder.find(scene.render(t), tracker, 100.0 + t)
        update = tracker.update(found.detections, 100.0 + t, found.search.covers)
        watched.searches[found.search.kind] += 1
        for truth in scene.truth(t):
            if not truth.present:
                appeared[truth.seat] = -1.0
                continue
            if appeared.get(truth.seat, -1.0) < 0:
                appeared[truth.seat] = t
            known = any(face.last_seen_at == 100.0 + t and face.box.iou(truth.box) > 0.4 for face in update.present)
            watched.seen.append(known)
            if known and appeared[truth.seat] != float("inf"):
                watched.unseen_s.append(t - appeared[truth.seat])
                appeared[truth.seat] = float("inf")
    return watched


@pytest.fixture(scope="module")
def thrifty() -> Watched:
    return watch(6, 12.0, every_frame=False)


def test_most_frames_of_a_seated_class_are_not_searched_whole(thrifty: Watched) -> None:
    assert thrifty.searches["whole"] < 0.2 * thrifty.searches.total()
    assert thrifty.searches["none"] > 0.3 * thrifty.searches.total()


@pytest.mark.slow
def test_as_many_faces_are_seen_as_by_searching_every_frame(thrifty: Watched) -> None:
    thorough = watch(6, 12.0, every_frame=True)
    assert thorough.searches == {"whole": 120}
    assert sum(thrifty.seen) / len(thrifty.seen) >= sum(thorough.seen) / len(thorough.seen) - 0.02


def test_who_appears_is_known_within_half_a_second(thrifty: Watched) -> None:
    assert thrifty.unseen_s
    assert sorted(thrifty.unseen_s)[int(0.9 * len(thrifty.unseen_s))] <= 0.5


def test_an_empty_room_is_searched_at_the_steady_rate_alone() -> None:
    empty = watch(0, 4.0, every_frame=False)
    assert empty.searches["whole"] <= 8
    assert empty.searches["regions"] == 0
