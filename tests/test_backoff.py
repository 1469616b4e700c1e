"""Waiting before the next attempt."""

from __future__ import annotations

from edge_agent.backoff import Backoff


def test_the_reach_doubles_up_to_its_cap() -> None:
    backoff = Backoff(2.0, 10.0, draw=lambda: 1.0)
    assert [backoff.next() for _ in range(5)] == [2.0, 4.0, 8.0, 10.0, 10.0]


def test_the_whole_reach_is_random_above_the_floor() -> None:
    draws = iter([0.0, 0.5])
    backoff = Backoff(2.0, 10.0, floor_s=30.0, draw=lambda: next(draws))
    assert [backoff.next(), backoff.next()] == [30.0, 32.0]


def test_success_starts_it_again() -> None:
    backoff = Backoff(2.0, 10.0, draw=lambda: 1.0)
    backoff.next()
    backoff.reset()
    assert backoff.next() == 2.0


def test_it_survives_any_number_of_attempts() -> None:
    backoff = Backoff(2.0, 10.0, draw=lambda: 1.0)
    assert max(backoff.next() for _ in range(2000)) == 10.0


def test_devices_that_fail_together_do_not_come_back_together() -> None:
    waits = sorted(Backoff(2.0, 60.0).next() for _ in range(500))
    fullest = max(sum(start <= wait < start + 0.1 for wait in waits) for start in (x / 10 for x in range(20)))
    assert fullest < 60  # an even spread over 2 s puts 25 into each tenth
