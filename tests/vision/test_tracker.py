"""The tracker on scenes: tables of boxes over time, no clock, no waiting."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable, Sequence

import pytest

from edge_agent.config import TrackerSettings
from edge_agent.types import Box, Detection
from edge_agent.vision.tracker import Tracker, TrackUpdate, random_ids

Place = tuple[float, float, float]
"""``(x, y, side)`` of a face, in pixels."""


def box(x: float, y: float, side: float = 80.0) -> Box:
    return Box(x - side / 2, y - side / 2, side)


def face(x: float, y: float, side: float = 80.0) -> Detection:
    return Detection(box(x, y, side), 1.0)


def tracker(confirm_frames: int = 2, forget_s: float = 2.0) -> Tracker:
    numbers = itertools.count()
    return Tracker(TrackerSettings(confirm_frames=confirm_frames, forget_s=forget_s), lambda: f"id{next(numbers)}")


def ids(update: TrackUpdate) -> list[str]:
    return [face.track for face in update.present]


def play(tracker: Tracker, scene: Iterable[tuple[float, Sequence[Detection]]]) -> list[TrackUpdate]:
    return [tracker.update(detections, now) for now, detections in scene]


def steadily(
    fps: float, seconds: float, detections: Callable[[float], Sequence[Detection]], start: float = 100.0
) -> list[tuple[float, Sequence[Detection]]]:
    """A scene at a frame rate; ``detections`` is given the seconds since its start."""
    times = [start + frame / fps for frame in range(round(fps * seconds))]
    return [(now, detections(now - start)) for now in times]


def nearest(update: TrackUpdate, place: Place) -> str:
    """Id of the present face that is at a place, ``""`` where none is."""
    x, y, side = place
    return next((face.track for face in update.present if math.dist(face.box.center, (x, y)) < 0.4 * side), "")


class Jitter:
    """A detector's imprecision, drop-outs and order, from a seed."""

    def __init__(self, seed: int, spread: float = 0.05, missed: float = 0.0) -> None:
        self._rng, self._spread, self._missed = random.Random(seed), spread, missed

    def __call__(self, places: Iterable[Place]) -> list[Detection]:
        off = self._rng.gauss
        seen = [
            face(
                x + side * off(0, self._spread), y + side * off(0, self._spread), side * math.exp(off(0, self._spread))
            )
            for x, y, side in places
            if self._rng.random() >= self._missed
        ]
        self._rng.shuffle(seen)
        return seen


def test_a_face_is_published_once_seen_in_enough_frames() -> None:
    updates = play(tracker(confirm_frames=3), steadily(10, 0.4, lambda _: [face(200, 200)]))
    assert [len(update.present) for update in updates] == [0, 0, 1, 1]


def test_it_counts_as_there_since_it_was_first_seen() -> None:
    update = play(tracker(confirm_frames=3), steadily(10, 0.3, lambda _: [face(200, 200)], start=50.0))[-1]
    assert (update.present[0].first_seen_at, update.present[0].last_seen_at) == (50.0, pytest.approx(50.2))


def test_a_single_false_positive_never_becomes_a_track() -> None:
    follower = tracker()
    scene = [(now, [face(600, 300)] if frame % 3 == 0 else []) for frame, now in enumerate(i / 10 for i in range(300))]
    assert all(not update.present and not update.ended for update in play(follower, scene))


def test_false_positives_all_over_the_frame_never_become_tracks() -> None:
    rng = random.Random(5)

    def noise(_: float) -> list[Detection]:
        return [face(rng.uniform(0, 1280), rng.uniform(0, 720), 60)] if rng.random() < 0.2 else []

    updates = play(tracker(), steadily(10, 60, noise))
    assert not any(update.present for update in updates)


def test_a_face_the_detector_often_misses_still_becomes_a_track() -> None:
    noisy = Jitter(1, missed=0.4)
    updates = play(tracker(), steadily(10, 3, lambda _: noisy([(200, 200, 80)])))
    assert len(updates[-1].present) == 1


def test_a_face_hidden_for_a_second_keeps_its_id() -> None:
    updates = play(tracker(), steadily(10, 6, lambda t: [] if 2 <= t < 3 else [face(200, 200)]))
    assert {name for update in updates for name in ids(update)} == {"id0"}
    assert not any(update.ended for update in updates)


def test_a_hidden_face_is_reported_where_and_when_it_was_last_seen() -> None:
    updates = play(tracker(), steadily(10, 3, lambda t: [] if t >= 1.95 else [face(200 + 40 * t, 200)]))
    hidden = updates[-1].present[0]
    assert hidden.last_seen_at == pytest.approx(101.9)
    assert hidden.box.center[0] == pytest.approx(276, abs=4)


def test_a_face_hidden_for_longer_than_forget_s_ends_once_and_returns_as_another() -> None:
    updates = play(tracker(forget_s=2.0), steadily(10, 8, lambda t: [] if 2 <= t < 5 else [face(200, 200)]))
    ended = [(index, gone.track) for index, update in enumerate(updates) for gone in update.ended]
    assert ended == [(40, "id0")]
    assert ids(updates[-1]) == ["id1"]


def test_waiting_for_a_slow_camera_counts_against_nobody() -> None:
    slow = tracker(confirm_frames=2)
    slow.update([face(200, 200)], 100.0)
    for quarter in (100.25, 100.5, 100.75):
        assert ids(slow.wait(quarter)) == []
    assert ids(slow.update([face(200, 200)], 101.0)) == ["id0"]


def test_who_bends_down_quickly_and_comes_up_where_they_were_keeps_the_id() -> None:
    def place(t: float) -> list[Detection]:
        return [face(200, 200 + max(0.0, t - 3.0) * 400)] if t < 3.25 else []

    follower = tracker()
    play(follower, steadily(10, 4.2, place))
    update = play(follower, steadily(10, 0.3, lambda _: [face(200, 200)], start=104.2))[-1]
    assert ids(update) == ["id0"]
    assert update.present[0].last_seen_at == pytest.approx(104.4)


def test_who_is_unseen_for_too_long_is_forgotten_also_while_no_frame_comes() -> None:
    faces = tracker(confirm_frames=1, forget_s=2.0)
    faces.update([face(200, 200)], 100.0)
    assert ids(faces.wait(102.0)) == ["id0"]
    gone = faces.wait(102.1)
    assert [track.track for track in gone.ended] == ["id0"]
    assert gone.present == ()


def test_after_a_gap_without_frames_the_same_place_is_a_new_face() -> None:
    follower = tracker(forget_s=2.0)
    play(follower, steadily(10, 1, lambda _: [face(200, 200)]))
    updates = play(follower, steadily(10, 0.2, lambda _: [face(200, 200)], start=110.0))
    assert [gone.track for gone in updates[0].ended] == ["id0"]
    assert ids(updates[1]) == ["id1"]


def test_a_face_that_jumps_across_the_frame_is_a_new_one() -> None:
    updates = play(tracker(), steadily(10, 4, lambda t: [face(200 if t < 1.95 else 800, 200)]))
    assert nearest(updates[15], (200, 200, 80)) == "id0"
    assert nearest(updates[25], (800, 200, 80)) == "id1"


def test_a_box_of_quite_another_size_at_the_same_place_is_another_face() -> None:
    updates = play(tracker(), steadily(10, 4, lambda t: [face(200, 200, 40 if t < 1.95 else 120)]))
    assert set(ids(updates[25])) == {"id0", "id1"}


@pytest.mark.parametrize("fps", [5, 10, 30])
@pytest.mark.parametrize("sides_per_s", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(5))
def test_two_people_crossing_keep_their_ids(fps: float, sides_per_s: float, seed: int) -> None:
    """The one behind is hidden while the faces overlap by half."""
    noisy = Jitter(seed, spread=0.04)
    seconds = 8 / sides_per_s

    def places(t: float) -> list[Place]:
        front, behind = 200 + 80 * sides_per_s * t, 840 - 80 * sides_per_s * t
        hidden = abs(front - behind) < 40
        return [(front, 300, 80), *([] if hidden else [(behind, 320, 72)])]

    updates = play(tracker(), steadily(fps, seconds, lambda t: noisy(places(t))))

    early, late = round(0.25 * seconds * fps), len(updates) - 1
    for person in range(2):
        before = nearest(updates[early], places(early / fps)[person])
        assert before
        assert nearest(updates[late], places(late / fps)[person]) == before


def test_crossing_faces_that_are_both_seen_keep_their_ids() -> None:
    noisy = Jitter(3, spread=0.03)
    updates = play(tracker(), steadily(10, 8, lambda t: noisy([(200 + 80 * t, 300, 80), (840 - 80 * t, 330, 80)])))
    assert {name for update in updates for name in ids(update)} == {"id0", "id1"}
    assert nearest(updates[20], (360, 300, 80)) == nearest(updates[-1], (832, 300, 80))


def test_forty_jittering_faces_keep_forty_ids_for_two_minutes() -> None:
    """Seats 1.3 faces apart, jitter of a twentieth of the face, one detection in ten missing."""
    fps, noisy = 5, Jitter(7, spread=0.05, missed=0.1)
    seats = [(100 + 91 * (seat % 8), 80 + 118 * (seat // 8)) for seat in range(40)]

    def places(t: float) -> list[Place]:
        return [(x + 4 * math.sin(0.7 * t + x), y + 3 * math.sin(t + y), 70) for x, y in seats]

    updates = play(tracker(), steadily(fps, 120, lambda t: noisy(places(t))))

    assert {name for update in updates for name in ids(update)} == {f"id{number}" for number in range(40)}
    early = [nearest(updates[20], place) for place in places(20 / fps)]
    late = [nearest(updates[-1], place) for place in places(120 - 1 / fps)]
    assert late == early


def test_a_frame_rate_that_falls_from_30_to_2_keeps_slowly_moving_faces() -> None:
    noisy = Jitter(2)

    def places(t: float) -> list[Place]:
        return [(200 + 20 * t, 200, 80), (900 - 20 * t, 400, 60)]

    scene = steadily(30, 5, lambda t: noisy(places(t))) + steadily(2, 15, lambda t: noisy(places(t + 5)), start=105.0)
    updates = play(tracker(), scene)
    assert {name for update in updates for name in ids(update)} == {"id0", "id1"}
    assert [nearest(updates[-1], place) for place in places(19.5)] == [
        nearest(updates[10], place) for place in places(10 / 30)
    ]


def test_the_box_is_steadier_than_the_detector() -> None:
    noisy = Jitter(4, spread=0.08)
    centers = [
        update.present[0].box.center[0]
        for update in play(tracker(), steadily(30, 10, lambda _: noisy([(200, 200, 80)])))
        if update.present
    ]
    spread = math.sqrt(sum((x - 200) ** 2 for x in centers) / len(centers))
    assert spread < 0.6 * 0.08 * 80


def test_the_box_keeps_up_with_a_walking_face() -> None:
    updates = play(tracker(), steadily(10, 5, lambda t: [face(200 + 160 * t, 200)]))
    assert updates[-1].present[0].box.center[0] == pytest.approx(200 + 160 * 4.9, abs=8)


def test_a_new_face_beside_a_hidden_one_does_not_become_it() -> None:
    scene = steadily(10, 2, lambda _: [face(200, 200), face(320, 200)]) + steadily(
        10, 1, lambda _: [face(320, 200), face(480, 200)], start=102.0
    )
    last = play(tracker(), scene)[-1]
    assert nearest(last, (320, 200, 80)) == "id1"
    assert nearest(last, (480, 200, 80)) == "id2"


def test_two_frames_of_the_same_time_are_taken() -> None:
    follower = tracker()
    play(follower, [(1.0, [face(200, 200)]), (1.0, [face(202, 200)]), (1.0, [])])
    assert ids(follower.update([face(200, 200)], 1.1)) == ["id0"]


def test_time_passes_without_faces() -> None:
    assert tracker().update([], 1.0) == TrackUpdate((), ())


def test_ids_are_short_and_never_repeat() -> None:
    new_id = random_ids(random.Random(1))
    made = [new_id() for _ in range(12_000)]
    assert len(set(made)) == len(made)
    assert {len(name) for name in made} == {4, 6}
    assert len(made[0]) == 4


def test_ids_differ_from_session_to_session() -> None:
    assert [random_ids()() for _ in range(3)] != [random_ids()() for _ in range(3)]


def shifted(faces: dict[str, tuple[Box, Box]], right: float) -> dict[str, Box]:
    return {key: Box(place.left + right, place.top, place.side) for key, (place, _) in faces.items()}


def nowhere(_place: Box) -> bool:
    return False


def test_a_face_followed_without_searches_keeps_its_id_and_counts_as_seen() -> None:
    follower = tracker()
    play(follower, steadily(10, 0.3, lambda _: [face(200, 200)]))
    for frame in range(1, 40):
        now = 100.3 + frame / 10
        follower.follow(shifted(follower.followable(now), 5.0), now)
        update = follower.update([], now, nowhere)
        assert ids(update) == ["id0"]
        assert update.present[0].last_seen_at == now
    assert update.present[0].box.center[0] == pytest.approx(200 + 39 * 5, abs=8)


def test_where_a_frame_was_not_searched_nobody_counts_as_missed() -> None:
    follower = tracker()
    play(follower, steadily(10, 0.3, lambda _: [face(200, 200)]))
    follower.follow(shifted(follower.followable(100.4), 0.0), 100.4)
    follower.update([], 100.4, nowhere)
    assert len(follower.followable(100.5)) == 1
    follower.update([], 100.5)
    assert follower.followable(100.5) == {}


def test_a_face_that_the_last_frame_did_not_show_is_looked_for_and_not_followed_from_where_it_was() -> None:
    follower = tracker()
    play(follower, steadily(10, 0.3, lambda _: [face(200, 200)]))
    update = follower.update([], 100.4, nowhere)
    assert ids(update) == ["id0"]
    assert follower.followable(100.5) == {}
    assert len(follower.doubtful(100.5)) == 1
    follower.update([face(200, 200)], 100.5)
    assert len(follower.followable(100.6)) == 1


def test_a_followed_face_outlives_a_search_that_misses_it_however_long_ago_the_last_one_was() -> None:
    follower = tracker(forget_s=2.0)
    play(follower, steadily(10, 3.0, lambda _: [face(200, 200)]))
    for frame in range(1, 25):
        now = 103.0 + frame / 10
        follower.follow(shifted(follower.followable(now), 0.0), now)
        follower.update([], now, nowhere)
    assert ids(follower.update([], 105.5)) == ["id0"]
    assert ids(follower.update([face(202, 201)], 105.6)) == ["id0"]
    for frame in range(1, 6):
        update = follower.update([], 105.6 + frame / 10)
    assert ids(update) == ["id0"]


def test_a_face_missed_by_searches_is_gone_as_fast_as_if_every_frame_were_searched() -> None:
    follower = tracker(forget_s=2.0)
    play(follower, steadily(10, 3.0, lambda _: [face(200, 200)]))
    gone = [bool(update.ended) for update in play(follower, steadily(10, 3, lambda _: [], start=103.0))]
    assert gone.index(True) == pytest.approx(19, abs=1)


def test_a_face_that_is_no_longer_followed_is_in_doubt_where_it_is_expected() -> None:
    follower = tracker()
    play(follower, steadily(10, 0.3, lambda _: [face(200, 200)]))
    assert follower.doubtful(100.2) == []
    (place,) = follower.doubtful(100.3)
    assert math.dist(place.center, (200, 200)) < 10


def test_a_candidate_is_in_doubt_until_it_is_confirmed() -> None:
    follower = tracker(confirm_frames=2)
    follower.update([face(200, 200)], 100.0)
    assert len(follower.doubtful(100.0)) == 1
    follower.update([face(200, 200)], 100.1)
    assert follower.doubtful(100.1) == []


def test_a_face_that_stays_away_is_looked_for_less_often() -> None:
    follower = tracker(forget_s=2.0)
    play(follower, steadily(10, 0.3, lambda _: [face(200, 200)]))
    sought = []
    for frame in range(1, 18):
        now = 100.2 + frame / 10
        sought.append(bool(follower.doubtful(now)))
        follower.update([], now, (lambda _place: True) if sought[-1] else nowhere)
    assert all(sought[:4])
    assert sum(sought[6:]) < 6
