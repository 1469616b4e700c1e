"""What is in flight."""

from __future__ import annotations

from edge_agent.device.in_flight import Window


def test_it_has_room_for_as_many_as_its_limit() -> None:
    window: Window[str] = Window(2)
    window.sent(1, "a", now=0.0)
    window.sent(2, "b", now=0.0)
    assert window.room == 0
    assert window.acknowledged(1, now=0.1) == "a"
    assert window.room == 1


def test_an_answer_nobody_waits_for_changes_nothing() -> None:
    window: Window[str] = Window(2)
    window.sent(1, "a", now=0.0)
    assert window.acknowledged(9, now=0.1) is None
    assert len(window) == 1


def test_what_was_not_acknowledged_comes_back_in_the_order_it_was_sent() -> None:
    window: Window[str] = Window(3)
    for packet_id, message in ((7, "a"), (3, "b"), (5, "c")):
        window.sent(packet_id, message, now=0.0)
    window.acknowledged(3, now=0.1)
    assert window.take_all() == ["a", "c"]
    assert len(window) == 0


def test_silence_counts_from_the_last_answer_while_something_waits() -> None:
    window: Window[str] = Window(3)
    assert window.silent_for(100.0) == 0.0
    window.sent(1, "a", now=100.0)
    window.sent(2, "b", now=101.0)
    assert window.silent_for(105.0) == 5.0
    window.acknowledged(1, now=106.0)
    assert window.silent_for(107.0) == 1.0
    window.acknowledged(2, now=108.0)
    assert window.silent_for(200.0) == 0.0
