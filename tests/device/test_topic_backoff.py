"""Leaving refused topics alone."""

from __future__ import annotations

from edge_agent.device.topic_backoff import TopicBackoff


def test_a_refused_topic_is_left_alone_for_a_while_and_others_are_not() -> None:
    backoff = TopicBackoff(base_s=0.0, cap_s=0.0, floor_s=30.0)
    backoff.refused("expression", now=100.0)
    assert backoff.waiting(129.9) == {"expression"}
    assert backoff.waiting(130.0) == frozenset()


def test_only_the_first_refusal_is_news() -> None:
    backoff = TopicBackoff(base_s=0.0, cap_s=0.0, floor_s=30.0)
    assert [backoff.refused("expression", now) for now in (100.0, 100.1, 131.0)] == [True, False, False]


def test_messages_refused_together_lengthen_the_wait_once() -> None:
    backoff = TopicBackoff(base_s=0.0, cap_s=0.0, floor_s=30.0)
    for _ in range(20):
        backoff.refused("expression", now=100.0)
    assert backoff.waiting(130.0) == frozenset()


def test_a_topic_that_is_taken_again_is_free_and_that_is_news() -> None:
    backoff = TopicBackoff(base_s=0.0, cap_s=0.0, floor_s=30.0)
    backoff.refused("expression", now=100.0)
    before = backoff.denied
    assert backoff.accepted("expression")
    assert not backoff.accepted("expression")
    assert (before, backoff.denied, backoff.waiting(100.0)) == (("expression",), (), frozenset())
