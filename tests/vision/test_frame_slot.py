"""The slot between the camera's threads and the perception thread."""

from __future__ import annotations

import threading

import numpy as np

from edge_agent.types import Frame, Image
from edge_agent.vision.frame_slot import FrameSlot


class Clock:
    """A clock that stands still until set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def picture(level: int = 0) -> Image:
    return np.full((4, 4, 3), level, np.uint8)


def test_the_newest_frame_wins_and_the_others_count_as_dropped() -> None:
    slot = FrameSlot(1.0, Clock())
    generation = slot.begin()
    for level in range(5):
        slot.put(generation, picture(level), 100.0, keep=False)
    frame = slot.take(-1, 0.0)
    assert frame is not None
    assert (frame.index, frame.image[0, 0, 0]) == (4, 4)
    assert (slot.frames_read, slot.frames_dropped) == (5, 4)


def test_a_frame_is_not_given_twice_to_who_asks_for_newer_ones() -> None:
    slot = FrameSlot(1.0, Clock())
    slot.put(slot.begin(), picture(), 100.0, keep=False)
    first = slot.take(-1, 0.0)
    assert first is not None
    assert slot.take(first.index, 0.0) is None


def test_a_frame_that_has_grown_old_is_dropped() -> None:
    clock = Clock()
    slot = FrameSlot(1.0, clock)
    slot.put(slot.begin(), picture(), 100.0, keep=False)
    clock.now = 101.5
    assert slot.take(-1, 0.0) is None
    assert slot.frames_dropped == 1


def test_a_late_frame_of_a_source_given_up_is_refused() -> None:
    slot = FrameSlot(1.0, Clock())
    old = slot.begin()
    slot.begin()
    assert not slot.put(old, picture(), 100.0, keep=False)
    assert slot.take(-1, 0.0) is None


def test_giving_up_a_source_also_forgets_its_waiting_frame() -> None:
    slot = FrameSlot(1.0, Clock())
    slot.put(slot.begin(), picture(), 100.0, keep=False)
    slot.begin()
    assert slot.take(-1, 0.0) is None


def test_indexes_go_on_rising_over_generations() -> None:
    slot = FrameSlot(1.0, Clock())
    slot.put(slot.begin(), picture(), 100.0, keep=False)
    slot.put(slot.begin(), picture(), 100.0, keep=False)
    frame = slot.take(0, 0.0)
    assert frame is not None
    assert frame.index == 1


def test_a_source_that_keeps_frames_waits_for_every_one_to_be_taken() -> None:
    clock = Clock()
    slot = FrameSlot(1.0, clock)
    generation = slot.begin()

    def deliver() -> None:
        for level in range(20):
            slot.put(generation, picture(level), 0.0, keep=True)

    source = threading.Thread(target=deliver)
    source.start()
    taken: list[Frame] = []
    while len(taken) < 20:
        frame = slot.take(taken[-1].index if taken else -1, 5.0)
        assert frame is not None
        taken.append(frame)
    source.join(5.0)
    assert [frame.image[0, 0, 0] for frame in taken] == list(range(20))
    assert slot.frames_dropped == 0


def test_a_waiting_source_is_let_go_when_it_is_given_up() -> None:
    slot = FrameSlot(1.0, Clock())
    generation = slot.begin()
    answers: list[bool] = []
    source = threading.Thread(target=lambda: answers.append(slot.put(generation, picture(), 100.0, keep=True)))
    source.start()
    slot.begin()
    source.join(5.0)
    assert answers == [False]
