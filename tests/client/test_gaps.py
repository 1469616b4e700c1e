"""Noticing what is missing and asking for it."""

from __future__ import annotations

from edge_agent.client.gaps import Patience, Stream

PATIENCE = Patience(grace_s=2.0, retry_s=10.0, retry_cap_s=40.0)


def stream(first: int | None = 1) -> Stream:
    made = Stream(PATIENCE, draw=lambda: 0.0)
    if first is not None:
        made.anchor(first, now=0.0)
    return made


def test_an_event_is_new_once() -> None:
    events = stream()
    assert [events.saw(1, 0.0), events.saw(2, 0.0), events.saw(1, 0.0)] == [True, True, False]


def test_a_jump_leaves_a_gap_that_is_asked_for_after_a_grace() -> None:
    events = stream()
    events.saw(1, 0.0)
    events.saw(5, 10.0)
    assert events.due(11.9) == []
    assert events.due(12.0) == [(2, 4)]


def test_a_gap_that_fills_in_time_is_never_asked_for() -> None:
    events = stream()
    for seq, now in ((1, 0.0), (3, 0.1), (2, 0.2)):
        events.saw(seq, now)
    assert events.due(60.0) == []


def test_the_tail_is_missed_when_the_device_tells_how_far_it_got() -> None:
    events = stream()
    events.saw(1, 0.0)
    events.exists(4, 1.0)
    assert events.due(3.0) == [(2, 4)]


def test_asking_is_repeated_ever_more_rarely() -> None:
    events = stream()
    events.exists(3, 0.0)
    asked = [now for now in range(200) if events.due(float(now))]
    assert asked == [2, 12, 32, 72, 112, 152, 192]


def test_asking_goes_on_at_its_first_pace_for_as_long_as_it_helps() -> None:
    events = stream()
    events.exists(5, 0.0)
    asked = []
    for now in range(200):
        if missing := events.due(float(now)):
            asked.append(now)
            events.saw(missing[0][0], now + 0.5)
    assert asked == [2, 12, 22, 32, 42]


def test_a_device_that_is_back_is_asked_soon() -> None:
    events = stream()
    events.exists(3, 0.0)
    events.due(2.0)
    events.due(12.0)
    events.ask_soon(13.0)
    assert events.due(15.0) == [(1, 3)]


def test_what_the_device_no_longer_holds_is_given_up() -> None:
    events = stream()
    events.exists(9, 0.0)
    assert events.give_up(1, 6)
    assert not events.give_up(1, 6)
    assert events.due(2.0) == [(7, 9)]


def test_an_event_given_up_is_still_new_when_it_comes_after_all() -> None:
    events = stream()
    events.exists(3, 0.0)
    events.give_up(1, 3)
    assert events.saw(2, 1.0)


def test_a_gap_is_news_once() -> None:
    events = stream()
    assert events.newly_missing([(2, 4)]) == [(2, 4)]
    assert events.newly_missing([(2, 6)]) == [(5, 6)]


def test_what_came_before_joining_is_history() -> None:
    joined_between_events = stream(first=None)
    joined_between_events.exists(40, 0.0)
    joined_between_events.anchor_where_joined(2.0)
    joined_between_events.saw(42, 3.0)
    assert joined_between_events.missing() == [(41, 41)]
    joined_at_an_event = stream(first=None)
    joined_at_an_event.exists(40, 0.0)
    joined_at_an_event.saw(55, 1.0)
    joined_at_an_event.anchor_where_joined(2.0)
    assert joined_at_an_event.missing() == []


def test_many_subscribers_do_not_ask_at_once() -> None:
    late = Stream(PATIENCE, draw=lambda: 0.9)
    late.anchor(1, 0.0)
    late.exists(2, 0.0)
    assert late.due(3.7) == []
    assert late.due(3.8) == [(1, 2)]
