"""Messages that are not events."""

from __future__ import annotations

from edge_agent.device.unqueued import Letter, Letters


def retained(topic: str, text: str) -> Letter:
    return Letter(topic, text.encode(), retain=True)


def reply(text: str) -> Letter:
    return Letter("reply", text.encode(), retain=False)


def test_of_retained_letters_on_a_topic_only_the_latest_is_sent() -> None:
    letters = Letters(first="status")
    letters.post(retained("health", "old"))
    letters.post(retained("health", "new"))
    assert letters.take(10) == [retained("health", "new")]


def test_every_connection_gets_all_retained_letters_the_first_topic_first() -> None:
    letters = Letters(first="status")
    letters.post(retained("health", "h"))
    letters.post(retained("status", "s"))
    letters.take(10)
    assert letters.take(10) == []
    letters.connected()
    assert letters.take(10) == [retained("status", "s"), retained("health", "h")]


def test_replies_are_sent_once_and_in_order() -> None:
    letters = Letters(first="status")
    letters.post(reply("1"))
    letters.post(reply("2"))
    assert [letters.take(1), letters.take(1), letters.take(1)] == [[reply("1")], [reply("2")], []]


def test_a_reply_nobody_waits_for_any_more_is_not_sent_on_the_next_connection() -> None:
    letters = Letters(first="status")
    letters.post(reply("old"))
    letters.connected()
    assert letters.take(10) == []
