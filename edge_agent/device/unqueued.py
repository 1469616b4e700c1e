"""Messages that are not kept in the outbox: retained ones, of which the latest counts, and replies."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.protocol.messages import Message, Reply, encode
from edge_agent.protocol.topics import REPLY, STATUS, Topics

_MAX_TRANSIENT = 1000
_REPLY_EXPIRY_S = 60


@dataclass(frozen=True, slots=True)
class UnqueuedMessage:
    """A message to publish. ``expiry_s``: after how long it is stale and the broker drops it; 0 for never."""

    topic: str
    payload: bytes
    retain: bool
    expiry_s: int = 0


class UnqueuedMessages:
    """What waits to be sent besides events. Every method may be called from any thread.

    A retained message replaces the one before on its topic and is sent again on every connection, in the order in which
    topics were first used; others are sent once, while there is a connection.

    Args:
        topics: The device's topics. Its retained status goes before all others.
        wake: Called when there is something new to send.
    """

    def __init__(self, topics: Topics, wake: Callable[[], None] = lambda: None) -> None:
        self._topics, self._wake = topics, wake
        self._lock = threading.Lock()
        self._retained: dict[str, UnqueuedMessage] = {}
        self._unsent: dict[str, UnqueuedMessage] = {}
        self._transient: deque[UnqueuedMessage] = deque(maxlen=_MAX_TRANSIENT)

    def enqueue(self, message: UnqueuedMessage) -> None:
        """Send a message as soon as possible."""
        with self._lock:
            if message.retain:
                self._retained[message.topic] = self._unsent[message.topic] = message
            else:
                self._transient.append(message)
        self._wake()

    def enqueue_retained(self, name: str, message: Message, expiry_s: int = 0) -> None:
        """Send a message, retained, on one of the device's own topics."""
        self.enqueue(UnqueuedMessage(self._topics.of(name), encode(message), retain=True, expiry_s=expiry_s))

    def reply(self, reply: Reply) -> None:
        """Answer a command."""
        self.enqueue(UnqueuedMessage(self._topics.of(REPLY), encode(reply), retain=False, expiry_s=_REPLY_EXPIRY_S))

    def connected(self) -> None:
        """A new connection: everything retained is to be sent again, and old replies are of no use."""
        with self._lock:
            self._unsent = dict(self._retained)
            self._transient.clear()

    def take(self, limit: int) -> list[UnqueuedMessage]:
        """The next messages to send, retained ones first, at most ``limit``."""
        first = self._topics.of(STATUS)
        with self._lock:
            order = sorted(self._unsent, key=lambda topic: topic != first)
            taken = [self._unsent.pop(topic) for topic in order[:limit]]
            while self._transient and len(taken) < limit:
                taken.append(self._transient.popleft())
            return taken
