"""Messages that are not events."""

from __future__ import annotations

from edge_agent.device.unqueued import UnqueuedMessage, UnqueuedMessages
from edge_agent.protocol.topics import Topics

TOPICS = Topics("classroom", "north", "pi-3a")


def retained(name: str, text: str) -> UnqueuedMessage:
    return UnqueuedMessage(TOPICS.of(name), text.encode(), retain=True)


def reply(text: str) -> UnqueuedMessage:
    return UnqueuedMessage(TOPICS.of("reply"), text.encode(), retain=False)


def test_of_retained_messages_on_a_topic_only_the_latest_is_sent() -> None:
    messages = UnqueuedMessages(TOPICS)
    messages.enqueue(retained("health", "old"))
    messages.enqueue(retained("health", "new"))
    assert messages.take(10) == [retained("health", "new")]


def test_every_connection_gets_all_retained_messages_the_first_topic_first() -> None:
    messages = UnqueuedMessages(TOPICS)
    messages.enqueue(retained("health", "h"))
    messages.enqueue(retained("status", "s"))
    messages.take(10)
    assert messages.take(10) == []
    messages.connected()
    assert messages.take(10) == [retained("status", "s"), retained("health", "h")]


def test_replies_are_sent_once_and_in_order() -> None:
    messages = UnqueuedMessages(TOPICS)
    messages.enqueue(reply("1"))
    messages.enqueue(reply("2"))
    assert [messages.take(1), messages.take(1), messages.take(1)] == [[reply("1")], [reply("2")], []]


def test_a_reply_nobody_waits_for_any_more_is_not_sent_on_the_next_connection() -> None:
    messages = UnqueuedMessages(TOPICS)
    messages.enqueue(reply("old"))
    messages.connected()
    assert messages.take(10) == []
