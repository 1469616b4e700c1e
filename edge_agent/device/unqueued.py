"""Messages that are not kept in the outbox: retained ones, of which the latest counts, and replies."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

_MOST_TRANSIENT = 1000


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to publish. ``expiry_s``: after how long it is stale and the broker drops it; 0 for never."""

    topic: str
    payload: bytes
    retain: bool
    expiry_s: int = 0


class Letters:
    """What waits to be sent besides events. Every method may be called from any thread.

    A retained letter replaces the one before on its topic and is sent again on every connection, in the order in which
    topics were first used; others are sent once, while there is a connection.

    Args:
        first: The topic whose retained letter goes before all others.
    """

    def __init__(self, first: str) -> None:
        self._first = first
        self._lock = threading.Lock()
        self._retained: dict[str, Letter] = {}
        self._unsent: dict[str, Letter] = {}
        self._transient: deque[Letter] = deque(maxlen=_MOST_TRANSIENT)

    def post(self, letter: Letter) -> None:
        """Send a letter as soon as possible."""
        with self._lock:
            if letter.retain:
                self._retained[letter.topic] = self._unsent[letter.topic] = letter
            else:
                self._transient.append(letter)

    def connected(self) -> None:
        """A new connection: everything retained is to be sent again, and old replies are of no use."""
        with self._lock:
            self._unsent = dict(self._retained)
            self._transient.clear()

    def take(self, limit: int) -> list[Letter]:
        """The next letters to send, retained ones first, at most ``limit``."""
        with self._lock:
            order = sorted(self._unsent, key=lambda topic: topic != self._first)
            taken = [self._unsent.pop(topic) for topic in order[:limit]]
            while self._transient and len(taken) < limit:
                taken.append(self._transient.popleft())
            return taken
