"""Which faces are classified when there are more than time allows."""

from __future__ import annotations

from edge_agent.types import Box, TrackedFace
from edge_agent.vision.budget import choose_faces


def face(track: str, seen_at: float = 10.0, since: float = 0.0) -> TrackedFace:
    return TrackedFace(track, Box(0, 0, 40), first_seen_at=since, last_seen_at=seen_at)


def test_new_faces_come_before_those_waiting_longest() -> None:
    last = {"a": 9.0, "b": 3.0, "c": 7.0}
    chosen = choose_faces([face("a"), face("b"), face("c"), face("new")], last.get, 3, now=10.0)
    assert [one.track for one in chosen] == ["new", "b", "c"]


def test_hidden_faces_are_not_classified() -> None:
    assert choose_faces([face("gone", seen_at=9.5)], lambda _: None, 8, now=10.0) == []


def test_forty_faces_are_all_classified_within_the_frames_their_number_asks_for() -> None:
    faces = [face(f"t{index}") for index in range(40)]
    last: dict[str, float] = {}
    for frame in range(5):
        for one in choose_faces(faces, last.get, 8, now=10.0):
            last[one.track] = float(frame)
    assert len(last) == 40
